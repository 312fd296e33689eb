import test from 'ava'
import { FLAG_FIN, FLAG_RST } from '../../../src/sim/packets.ts'
import { at, CLIENT, connectedPair, DROP, MS, S } from './scripted-network.ts'
import type { Fate, Pair } from './scripted-network.ts'

const DELAY = 40 * MS
const RTT = 2 * DELAY

function assertNothingLeft (t: { is(actual: number, expected: number): void }, { kernel, network, clientHost, serverHost }: Pair): void {
  t.is(kernel.pending, 0)
  t.is(network.packets.live, 0)
  t.is(clientHost.socketCount, 0)
  t.is(serverHost.socketCount, 0)
}

test('a FIN follows the data, and the other end may go on sending: half close', t => {
  const pair = connectedPair(DELAY)
  const { kernel, client, clientJournal, serverJournal } = pair
  client.write(5000)
  client.close()
  kernel.run(1 * S)
  t.is(serverJournal.bytes, 5000)
  t.is(serverJournal.at('remote close'), 1.5 * RTT)
  t.is(client.state, 'fin-wait-2')
  t.is(pair.server?.state, 'close-wait')
  at(kernel, 1 * S, () => pair.server?.write(7000))
  at(kernel, 2 * S, () => pair.server?.close())
  kernel.run()
  t.is(clientJournal.bytes, 7000)
  t.is(clientJournal.at('remote close'), 2 * S + DELAY)
  t.is(clientJournal.at('closed'), 2 * S + DELAY)
  t.is(serverJournal.at('closed'), 2 * S + RTT)
  assertNothingLeft(t, pair)
})

test('both ends may close at once', t => {
  const pair = connectedPair(DELAY)
  const { kernel, client, clientJournal, serverJournal } = pair
  at(kernel, S, () => {
    client.close()
    pair.server?.close()
  })
  kernel.run(S + DELAY - 1)
  t.is(client.state, 'fin-wait-1')
  kernel.run()
  t.is(clientJournal.at('closed'), S + RTT)
  t.is(serverJournal.at('closed'), S + RTT)
  assertNothingLeft(t, pair)
})

test('lost FINs and lost acknowledgements of FINs are made up for, also after the first end is done', t => {
  for (const lost of [0, 1, 2, 3]) {
    let index = 0
    // From 1 s on the segments are: FIN, its ACK, the other FIN (or the ACK joined to it), its ACK.
    const fate: Fate = ({ atNs }) => atNs >= S && index++ === lost ? DROP : 0
    const pair = connectedPair(DELAY, { fate })
    const { kernel, client, clientJournal, serverJournal } = pair
    serverJournal.onRemoteClose = () => {
      at(kernel, kernel.nowNs + 1, () => pair.server?.close())
    }
    at(kernel, S, () => client.close())
    kernel.run()
    t.truthy(clientJournal.at('closed'), `client, ${lost} lost`)
    t.truthy(serverJournal.at('closed'), `server, ${lost} lost`)
    // Not from TIME-WAIT either, where the window is the last one.
    t.true(pair.network.sent.every(({ window }) => window > 0))
    assertNothingLeft(t, pair)
  }
})

test('a FIN that arrives before data that it follows waits for it', t => {
  const fate: Fate = ({ flags, from }) => from === CLIENT && (flags & FLAG_FIN) === 0 ? 5 * MS : 0
  const { kernel, client, serverJournal } = connectedPair(DELAY, { fate })
  at(kernel, S, () => {
    client.write(3000)
    client.close()
  })
  kernel.run(2 * S)
  t.is(serverJournal.bytes, 3000)
  t.deepEqual(serverJournal.entries.map(({ what }) => what), ['connected', 'data', 'data', 'remote close'])
})

test('abort resets the connection half an RTT later at the other end', t => {
  const pair = connectedPair(DELAY)
  const { kernel, client, clientJournal, serverJournal, network } = pair
  at(kernel, S, () => {
    client.write(100)
    client.abort()
  })
  kernel.run()
  t.is(clientJournal.at('aborted'), S)
  t.is(serverJournal.at('reset'), S + DELAY)
  t.is(network.sent.filter(({ flags }) => (flags & FLAG_RST) !== 0).length, 1)
  assertNothingLeft(t, pair)
})

test('what is sent to a connection that the other end has given up is answered by a reset', t => {
  const fate: Fate = ({ atNs, flags }) => atNs === S && (flags & FLAG_RST) !== 0 ? DROP : 0
  const pair = connectedPair(DELAY, { fate })
  const { kernel, client, serverJournal } = pair
  at(kernel, S, () => client.abort())
  at(kernel, 2 * S, () => pair.server?.write(100))
  kernel.run()
  t.is(serverJournal.at('reset'), 2 * S + RTT)
  assertNothingLeft(t, pair)
})

test('connections can end inside the callbacks that report on them', t => {
  for (const moment of ['onConnected', 'onData', 'onDrain', 'onRemoteClose'] as const) {
    const pair = connectedPair(DELAY, {
      options: { sendBufferBytes: 10_000, bursts: 'single' },
      onAccept: socket => {
        socket.write(20_000)
        socket.close()
      }
    })
    const { kernel, client, clientJournal } = pair
    clientJournal[moment] = () => client.abort()
    client.write(30_000)
    kernel.run()
    t.truthy(clientJournal.at('aborted'), moment)
    assertNothingLeft(t, pair)
  }
})

test('a stopped host resets its connections and leaves nothing behind', t => {
  const pair = connectedPair(DELAY)
  const { kernel, client, clientHost, clientJournal, serverJournal } = pair
  client.write(1e6)
  kernel.run(3 * RTT)
  clientHost.stop()
  clientHost.stop()
  t.is(clientJournal.at('aborted'), 3 * RTT)
  kernel.run()
  t.is(serverJournal.at('reset'), 3.5 * RTT)
  assertNothingLeft(t, pair)
})

test('writing after close is a bug, writing after the end is of no consequence', t => {
  const { kernel, client, network } = connectedPair(DELAY)
  client.close()
  t.throws(() => client.write(1), { message: 'write after close' })
  client.abort()
  client.write(1)
  kernel.run()
  t.is(network.data(CLIENT).length, 0)
})

test('a lost FIN is sent again after the timeout, then after twice that, until the connection is given up', t => {
  const fate: Fate = ({ flags, atNs }) => atNs >= S && (flags & FLAG_FIN) !== 0 ? DROP : 0
  const { kernel, client, clientJournal, network } = connectedPair(DELAY, { fate, options: { maximumTimeouts: 5 } })
  at(kernel, S, () => client.close())
  kernel.run(S)
  const { rtoNs } = client
  kernel.run()
  const fins = network.sent.filter(({ from, flags }) => from === CLIENT && (flags & FLAG_FIN) !== 0).map(({ atNs }) => atNs - S)
  t.deepEqual(fins, [0, 1, 3, 7, 15, 31].map(times => times * rtoNs))
  t.is(clientJournal.at('timeout'), S + 63 * rtoNs)
})

test('FINs that cross, one of them lost: closing at one end until the other\'s copy arrives', t => {
  let lost = false
  const fate: Fate = ({ flags, from }) => {
    const drop = from !== CLIENT && (flags & FLAG_FIN) !== 0 && !lost
    lost ||= drop
    return drop ? DROP : 0
  }
  const pair = connectedPair(DELAY, { fate })
  const { kernel, client, clientJournal, serverJournal } = pair
  at(kernel, S, () => {
    client.close()
    pair.server?.close()
  })
  kernel.run(S + DELAY)
  t.is(client.state, 'fin-wait-1')
  t.is(pair.server?.state, 'closing')
  kernel.run()
  t.truthy(clientJournal.at('closed'))
  t.truthy(serverJournal.at('closed'))
  assertNothingLeft(t, pair)
})

test('half-closed for an hour, the other end sends, and its window is kept open', t => {
  const pair = connectedPair(DELAY)
  const { kernel, client, clientJournal } = pair
  at(kernel, S, () => client.close())
  at(kernel, 3600 * S, () => pair.server?.write(1e6))
  at(kernel, 3601 * S, () => pair.server?.close())
  kernel.run()
  t.is(clientJournal.bytes, 1e6)
  assertNothingLeft(t, pair)
})
