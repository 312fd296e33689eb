import test from 'ava'
import { FLAG_ACK, FLAG_RST } from '../../../src/sim/packets.ts'
import { allocateReset } from '../../../src/sim/tcp/segment.ts'
import { at, CLIENT, connectedPair, DROP, MS, PORT, S, SERVER } from './scripted-network.ts'
import type { Pair } from './scripted-network.ts'

const DELAY = 40 * MS
const RTT = 2 * DELAY
const MSS = 1448

/** Somebody sends the client a RST as if it came from the server. */
function forgeReset ({ network, client }: Pair, sequence: number, acknowledgement = 0): void {
  const ends = { localNode: SERVER, remoteNode: CLIENT, connection: client.connection, port: PORT }
  network.send(allocateReset(network.packets, ends, FLAG_ACK, sequence, acknowledgement))
}

function resets ({ network }: Pair): number {
  return network.sent.filter(({ flags }) => (flags & FLAG_RST) !== 0).length
}

test('RFC 5961 3.2: a RST where the next byte is expected ends the connection', t => {
  const pair = connectedPair(DELAY)
  at(pair.kernel, S, () => forgeReset(pair, pair.client.expectedSequence))
  pair.kernel.run(2 * S)
  t.is(pair.clientJournal.at('reset'), S + DELAY)
})

test('a RST elsewhere in the window is answered by an acknowledgement, at most one in 500 ms, and the connection lives', t => {
  const pair = connectedPair(DELAY)
  const { kernel, network, client, serverJournal } = pair
  kernel.run(S)
  const before = network.acknowledgements(CLIENT).length
  for (const afterMs of [0, 1, 2, 499, 500, 501]) {
    at(kernel, S + afterMs * MS, () => forgeReset(pair, client.expectedSequence + 1 + afterMs))
  }
  kernel.run(3 * S)
  const challenges = network.acknowledgements(CLIENT).slice(before)
  t.deepEqual(challenges.map(({ atNs, acknowledgement }) => [atNs, acknowledgement]), [[S + DELAY, 1], [S + 500 * MS + DELAY, 1]])
  client.write(100)
  kernel.run()
  t.is(serverJournal.bytes, 100)
})

test('a RST outside of the window, before or beyond, is ignored without an answer', t => {
  const receiveBufferBytes = 20 * MSS
  const pair = connectedPair(DELAY, { options: { receiveBufferBytes } })
  const { kernel, network, client } = pair
  kernel.run(S)
  pair.server?.write(5 * MSS)
  kernel.run(2 * S)
  const before = network.sent.length
  forgeReset(pair, client.expectedSequence - 1)
  forgeReset(pair, client.expectedSequence + receiveBufferBytes + 1)
  kernel.run()
  t.is(client.state, 'established')
  t.is(network.sent.length, before + 2)
})

test('RFC 9293 3.10.7.3: before the SYN is answered a RST counts only where it acknowledges the SYN', t => {
  const pair = connectedPair(DELAY, { fate: ({ flags }) => (flags & FLAG_RST) !== 0 ? 0 : DROP })
  const { kernel, client, clientJournal } = pair
  forgeReset(pair, 0, 0)
  forgeReset(pair, 0, 2)
  kernel.run(2 * DELAY)
  t.is(client.state, 'syn-sent')
  forgeReset(pair, 0, 1)
  kernel.run(S)
  t.is(clientJournal.at('refused'), 3 * DELAY)
})

test('a half-open connection is forgotten at a RST of its peer', t => {
  const pair = connectedPair(DELAY, { fate: ({ from, flags }) => from === SERVER && (flags & FLAG_RST) === 0 ? 5 * S : 0 })
  const { kernel, client, serverHost } = pair
  kernel.run(DELAY)
  t.is(serverHost.socketCount, 1)
  // The SYN-ACK, late, finds nobody.
  client.abort()
  kernel.run(5 * S + 3 * DELAY)
  t.is(serverHost.socketCount, 0)
  kernel.run()
  t.is(kernel.pending, 0)
})

for (const state of ['established', 'close-wait', 'fin-wait-1', 'fin-wait-2', 'closing', 'last-ack'] as const) {
  test(`in ${state} a RST of the peer ends the connection at once`, t => {
    // From 2 s on nothing of the client arrives, so that its FIN stays unacknowledged.
    const pair = connectedPair(DELAY, { fate: ({ from, atNs }) => from === CLIENT && atNs >= 2 * S ? DROP : 0 })
    const { kernel, client, clientJournal } = pair
    if (state === 'close-wait' || state === 'last-ack') {
      at(kernel, S, () => pair.server?.close())
    }
    if (state === 'closing') {
      at(kernel, 2 * S, () => pair.server?.close())
    }
    if (state !== 'established' && state !== 'close-wait') {
      at(kernel, state === 'fin-wait-2' ? S : 2 * S, () => client.close())
    }
    kernel.run(2 * S + DELAY)
    t.is(client.state, state)
    forgeReset(pair, client.expectedSequence)
    kernel.run(2 * S + RTT)
    t.is(clientJournal.at('reset'), 2 * S + RTT)
  })
}

test('a RST behind data that was lost is challenged, and takes effect one round trip later', t => {
  const pair = connectedPair(DELAY, { fate: ({ from, length }) => from === CLIENT && length > 0 ? DROP : 0 })
  const { kernel, client, serverJournal } = pair
  at(kernel, S, () => client.write(100))
  at(kernel, S + 1 * MS, () => client.abort())
  kernel.run()
  t.is(serverJournal.at('reset'), S + 1 * MS + DELAY + RTT)
  t.is(resets(pair), 2)
  t.is(kernel.pending, 0)
})
