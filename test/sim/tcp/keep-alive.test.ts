import test from 'ava'
import { FLAG_RST } from '../../../src/sim/packets.ts'
import { at, CLIENT, connectedPair, DROP, MS, S, SERVER } from './scripted-network.ts'

const DELAY = 40 * MS
const RTT = 2 * DELAY
const KEEP = { keepAlive: true } as const
const IDLE = 7200 * S
const INTERVAL = 75 * S
const PROBES = 9

test('a dead peer is found after idle + 9 intervals: 7200 + 675 s after the last segment from it', t => {
  let dead = false
  const { network, kernel, clientJournal, clientHost, client } = connectedPair(DELAY, { options: KEEP, serverOptions: {}, fate: () => dead ? DROP : 0 })
  at(kernel, 10 * S, () => client.write(100))
  at(kernel, 20 * S, () => { dead = true })
  kernel.run(9 * 3600 * S)
  const last = 10 * S + RTT
  const probes = network.sent.filter(({ atNs, from, flags }) => atNs > 20 * S && from === CLIENT && (flags & FLAG_RST) === 0)
  t.deepEqual(probes.map(({ atNs }) => atNs), Array.from({ length: PROBES }, (_, i) => last + IDLE + i * INTERVAL))
  t.is(clientJournal.at('timeout'), last + IDLE + PROBES * INTERVAL)
  t.is(clientHost.socketCount, 0)
})

test('a probe is a byte already acknowledged, of no length; a peer that lives answers each, for ever', t => {
  const { network, kernel, client, clientHost } = connectedPair(DELAY, { options: KEEP, serverOptions: {} })
  kernel.run(10 * IDLE)
  const probes = network.acknowledgements(CLIENT).slice(1)
  const answers = network.acknowledgements(SERVER)
  t.is(client.state, 'established')
  t.is(probes.length, 9)
  t.deepEqual(probes.map(({ sequence }) => sequence), probes.map(() => client.nextSequence - 1))
  t.deepEqual(answers.map(({ atNs }) => atNs), probes.map(({ atNs }) => atNs + DELAY))
  // The next comes an idle time after the answer.
  t.deepEqual(probes.slice(1).map(({ atNs }, i) => atNs - probes[i].atNs), probes.slice(1).map(() => IDLE + RTT))
  clientHost.stop()
  kernel.run()
  t.is(kernel.pending, 0)
})

test('traffic, whichever end sends it, puts the probe off', t => {
  for (const writer of ['client', 'server'] as const) {
    const pair = connectedPair(DELAY, { options: KEEP, serverOptions: {} })
    const { network, kernel } = pair
    for (let hour = 1; hour <= 5; hour++) {
      at(kernel, hour * 3600 * S, () => pair[writer]?.write(10))
    }
    kernel.run(5 * 3600 * S + IDLE)
    // The client's acknowledgements of the handshake, and of what the server wrote.
    const expected = writer === 'client' ? 1 : 6
    t.is(network.acknowledgements(CLIENT).length, expected)
    kernel.run(5 * 3600 * S + IDLE + RTT)
    t.is(network.acknowledgements(CLIENT).length, expected + 1)
    pair.client.abort()
  }
})

test('with keepalive a transfer takes the same packets at the same times, and not one event more', t => {
  const sent = (keepAlive: boolean): unknown => {
    const { network, kernel, client } = connectedPair(DELAY, { options: { keepAlive } })
    client.write(1e6)
    client.close()
    kernel.run(60 * S)
    return [kernel.dispatched, network.sent]
  }
  t.deepEqual(sent(true), sent(false))
})

test('while data waits for an acknowledgement or a window its own timer watches the peer, and no keepalive probe leaves', t => {
  const { network, kernel, client } = connectedPair(DELAY, {
    options: { ...KEEP, keepAliveIdleNs: 1 * S, keepAliveIntervalNs: 1 * S, keepAliveProbes: 1, receiveBufferBytes: 10_000 },
    serverOptions: { receiveBufferBytes: 10_000 },
    onAccept: socket => { socket.autoRead = false }
  })
  client.write(20_000)
  kernel.run(60 * S)
  const gaps = network.acknowledgements(CLIENT).map(({ atNs }) => atNs).slice(1).map((atNs, i, all) => atNs - all[i - 1]).slice(2)
  // Window probes only, each interval twice the one before.
  gaps.slice(1).forEach((gap, i) => t.is(gap, 2 * gaps[i]))
  client.abort()
})

test('a peer that forgot the connection answers the probe by a reset', t => {
  let muted = false
  const pair = connectedPair(DELAY, { options: KEEP, serverOptions: {}, fate: () => muted ? DROP : 0 })
  const { kernel, clientJournal } = pair
  kernel.run(1 * S)
  muted = true
  pair.server?.abort()
  muted = false
  kernel.run(3 * IDLE)
  t.is(clientJournal.at('reset'), RTT + IDLE + RTT)
  t.is(kernel.pending, 0)
})

test('a thousand idle connections cost no event in two hours, then four for each probe and its answer', t => {
  const { network, kernel, clientHost } = connectedPair(DELAY, { options: KEEP, serverOptions: {} })
  for (let i = 1; i < 1000; i++) {
    clientHost.connect(SERVER, 80)
  }
  // The handshakes and their timers are over.
  kernel.run(2 * S)
  const before = kernel.dispatched
  kernel.run(7199 * S)
  t.is(kernel.dispatched, before)
  kernel.run(7300 * S)
  const probed = network.sent.filter(({ atNs }) => atNs > 7199 * S).length
  t.is(probed, 2000)
  // The timer, the arrivals of probe and answer, and an interval later the timer that finds the answer.
  t.is(kernel.dispatched - before, 4 * 1000)
})
