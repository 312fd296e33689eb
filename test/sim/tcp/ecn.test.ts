import test from 'ava'
import type { ExecutionContext } from 'ava'
import { ECN_CAPABLE_0, ECN_NOT_CAPABLE, FLAG_ACK, FLAG_CWR, FLAG_ECE, FLAG_SYN } from '../../../src/sim/packets.ts'
import { TcpHost } from '../../../src/sim/tcp/host.ts'
import type { TcpOptions } from '../../../src/sim/tcp/options.ts'
import { IGNORING } from '../../../src/sim/tcp/socket-handler.ts'
import type { TcpSocket } from '../../../src/sim/tcp/socket.ts'
import { dumbbell } from '../../../src/sim/topology.ts'
import { emptyNetwork } from '../packet-tools.ts'
import { CLIENT, connectedPair, DROP, losingData, MS, S, SERVER } from './scripted-network.ts'
import type { Pair, Segment } from './scripted-network.ts'

const DELAY = 40 * MS
const RTT = 2 * DELAY
const MSS = 1448
const ECN = { ecn: 'on' } as const

function has (flag: number): (segment: Segment) => boolean {
  return ({ flags }) => (flags & flag) !== 0
}

/** A transfer without end, both ends willing to use ECN. */
function steadyPair (options: Partial<TcpOptions> = {}): Pair {
  const pair = connectedPair(DELAY, { options: { ...ECN, ...options } })
  pair.client.write(1e9)
  return pair
}

for (const client of ['off', 'accept', 'on'] as const) {
  for (const server of ['off', 'accept', 'on'] as const) {
    const agreed = client === 'on' && server !== 'off'
    test(`with ecn ${client} at the client and ${server} at the server ECN is ${agreed ? 'used' : 'not used'}, and data arrives`, t => {
      const pair = connectedPair(DELAY, { options: { ecn: client }, serverOptions: { ecn: server } })
      const { network, kernel, serverJournal } = pair
      network.marks = () => true
      pair.client.write(5000)
      kernel.run()
      const [syn, synAck] = network.sent
      t.is(syn.flags, client === 'on' ? FLAG_SYN | FLAG_ECE | FLAG_CWR : FLAG_SYN)
      t.is(synAck.flags, FLAG_SYN | FLAG_ACK | (agreed ? FLAG_ECE : 0))
      t.is(pair.client.ecn, agreed)
      t.is(pair.server?.ecn, agreed)
      t.is(serverJournal.bytes, 5000)
      t.deepEqual(network.data(CLIENT).map(({ ecn }) => ecn), Array.from({ length: 4 }, () => agreed ? ECN_CAPABLE_0 : ECN_NOT_CAPABLE))
      t.is(network.acknowledgements(SERVER).some(has(FLAG_ECE)), agreed)
    })
  }
}

test('only new data can be marked: no SYN, no acknowledgement, no window probe, no copy (RFC 3168 6.1)', t => {
  const pair = connectedPair(DELAY, {
    options: { ...ECN, receiveBufferBytes: 20 * MSS }, fate: losingData(3, 7), onAccept: socket => { socket.autoRead = false }
  })
  const { network, kernel, client } = pair
  client.write(30 * MSS)
  kernel.run(20 * S)
  const seen = new Set<number>()
  let copies = 0
  for (const segment of network.sent) {
    const isNew = segment.length > 0 && !seen.has(segment.sequence)
    copies += segment.length > 0 && !isNew ? 1 : 0
    seen.add(segment.sequence)
    t.is(segment.ecn, isNew ? ECN_CAPABLE_0 : ECN_NOT_CAPABLE)
  }
  t.is(copies, 2)
  t.true(network.acknowledgements(CLIENT).length > 3, 'window probes')
})

test('a SYN that went unanswered asks again without ECN, in case it was dropped for asking (RFC 3168 6.1.1.1)', t => {
  const { network, kernel, client } = connectedPair(DELAY, { options: ECN, fate: (_, index) => index === 0 ? DROP : 0 })
  kernel.run()
  t.deepEqual(network.sent.slice(0, 3).map(({ flags }) => flags), [FLAG_SYN | FLAG_ECE | FLAG_CWR, FLAG_SYN, FLAG_SYN | FLAG_ACK])
  t.is(client.state, 'established')
  t.false(client.ecn)
})

test('a lost SYN-ACK costs no agreement: the next one says the same', t => {
  const pair = connectedPair(DELAY, { options: ECN, fate: (_, index) => index === 1 ? DROP : 0 })
  pair.kernel.run()
  t.true(pair.client.ecn && pair.server?.ecn)
})

test('one mark: echoed from its acknowledgement until CWR arrives, answered by half of the window, nothing sent again', t => {
  const pair = steadyPair({ initialWindowSegments: 20 })
  const { network, kernel, client } = pair
  let marked: Segment | undefined
  network.marks = segment => {
    const marks = marked === undefined && segment.from === CLIENT && segment.length > 0 && segment.atNs >= 4 * RTT
    marked = marks ? segment : marked
    return marks
  }
  kernel.run(4 * RTT)
  const before = client.cwndBytes
  kernel.run(8 * RTT)
  client.abort()
  const { atNs, sequence } = marked ?? t.fail()
  t.is(client.retransmittedSegments, 0)
  const echoes = network.acknowledgements(SERVER).filter(has(FLAG_ECE))
  const answers = network.data(CLIENT).filter(has(FLAG_CWR))
  t.is(answers.length, 1)
  t.is(echoes[0].atNs, atNs + DELAY)
  // The first new segment after the echo arrived, and no echo after that has arrived in turn.
  const [answer] = answers
  t.true(answer.atNs >= atNs + RTT && answer.sequence > sequence)
  t.is(network.data(CLIENT).find(segment => segment.atNs >= atNs + RTT && segment.sequence >= answer.sequence)?.sequence, answer.sequence)
  t.true(echoes.every(echo => echo.atNs <= answer.atNs + DELAY))
  const acknowledged = network.acknowledgements(SERVER).filter(ack => ack.atNs >= echoes[0].atNs && ack.atNs < answer.atNs + DELAY)
  t.true(acknowledged.every(has(FLAG_ECE)))
  // Slow start doubled the window in the round trip before the echo.
  t.true(client.ssthreshBytes >= before / 2 && client.ssthreshBytes <= before)
})

for (const [congestion, kept] of [['reno', 0.5], ['cubic', 717 / 1024]] as const) {
  test(`${congestion} keeps ${kept.toFixed(2)} of its window at a mark, as at a loss, over one round trip`, t => {
    const { network, kernel, client } = steadyPair({ congestion, hystart: 'off', initialWindowSegments: 40 })
    // The connection's first flight: all 40 segments, the first of them marked. Nothing has grown the window yet.
    let count = 0
    network.marks = ({ from, length }) => from === CLIENT && length > 0 && count++ === 0
    kernel.run(3 * RTT - 1)
    t.is(client.ssthreshBytes, kept * 40 * MSS)
    kernel.run(3 * RTT + 1 * MS)
    t.true(Math.abs(client.cwndBytes / MSS - kept * 40) <= 1, String(client.cwndBytes / MSS))
    t.is(client.retransmittedSegments, 0)
    client.abort()
  })
}

test('while every segment is marked the window is reduced once a round trip, and each time said so', t => {
  const { network, kernel, client } = steadyPair({ initialWindowSegments: 64 })
  network.marks = () => true
  kernel.run(20 * RTT)
  client.abort()
  const answers = network.data(CLIENT).filter(has(FLAG_CWR)).map(({ atNs }) => atNs)
  t.true(answers.length >= 6, String(answers))
  answers.slice(1).forEach((atNs, i) => t.true(atNs - answers[i] >= RTT, `${atNs} after ${answers[i]}`))
  // The least window, which no mark makes smaller.
  t.is(client.ssthreshBytes, 2 * MSS)
  t.is(client.retransmittedSegments, 0)
})

test('a reduction for a loss is told by CWR as well (RFC 3168 6.1.2)', t => {
  const { network, kernel, client } = connectedPair(DELAY, { options: ECN, fate: losingData(4) })
  client.write(60 * MSS)
  kernel.run()
  t.is(client.retransmittedSegments, 1)
  t.is(network.data(CLIENT).filter(has(FLAG_CWR)).length, 1)
})

test('a loss within the round trip of a mark does not lower the threshold twice', t => {
  const marksAt = (options: Parameters<typeof connectedPair>[1], marks: boolean): number => {
    const { network, kernel, client } = connectedPair(DELAY, { ...options, options: { ...ECN, initialWindowSegments: 40 } })
    let count = 0
    network.marks = ({ from, length }) => marks && from === CLIENT && length > 0 && count++ === 0
    client.write(1e6)
    kernel.run(3 * RTT - 1)
    client.abort()
    return client.ssthreshBytes
  }
  t.is(marksAt({}, true), 20 * MSS)
  t.is(marksAt({ fate: losingData(10) }, true), 20 * MSS)
})

test('BBR version 1 takes no notice of marks', t => {
  const deliveredAt = (marks: boolean): number => {
    const { network, kernel, client, serverJournal } = steadyPair({ congestion: 'bbr' })
    network.marks = () => marks
    kernel.run(3 * S)
    client.abort()
    t.is(network.acknowledgements(SERVER).some(has(FLAG_ECE)), marks)
    return serverJournal.bytes
  }
  // Only the two quick acknowledgements after a mark differ.
  t.true(Math.abs(deliveredAt(true) / deliveredAt(false) - 1) < 0.01)
})

for (const discipline of ['codel', 'fq-codel'] as const) {
  for (const [congestion, kept] of [['reno', 0.5], ['cubic', 0.7]] as const) {
    test(`over ${discipline} with ECN a ${congestion} flow loses nothing and sends nothing again, the queue near its target`, t => {
      const { meanQueueMs, retransmitted, dropped, marked, goodput } = bulk(t, { congestion, ecn: 'on' }, discipline)
      t.is(retransmitted, 0)
      t.is(dropped, 0)
      t.true(marked > 10)
      // As without ECN: three times the target of 5 ms (queue-tcp.test.ts).
      t.true(meanQueueMs < 15, String(meanQueueMs))
      // A window that is cut to this share each time that it fills the path fills it to (1 + share) / 2 in the mean.
      t.true(goodput > (1 + kept) / 2 * 10e6 * MSS / 1500, String(goodput))
    })
  }
}

test('RED marks what it would drop early; what it must drop it drops', t => {
  const on = bulk(t, { ecn: 'on' }, 'red')
  const off = bulk(t, { ecn: 'off' }, 'red')
  t.true(on.marked > 10, String(on.marked))
  t.is(off.marked, 0)
  t.true(off.dropped > 10, String(off.dropped))
  t.true(on.dropped < off.dropped / 2, `${on.dropped} and ${off.dropped}`)
})

test('where the server has ECN off the same queue drops instead', t => {
  const { retransmitted, dropped, marked } = bulk(t, { ecn: 'on' }, 'codel', { ecn: 'off' })
  t.true(dropped > 0 && retransmitted > 0)
  t.is(marked, 0)
})

/** A bulk flow for 20 s over 10 Mbit/s and a round trip of 40 ms; the queue is measured from 5 s on. */
function bulk (t: ExecutionContext, options: Partial<TcpOptions>, discipline: 'codel' | 'fq-codel' | 'red', serverOptions = options): { meanQueueMs: number, retransmitted: number, dropped: number, marked: number, goodput: number } {
  const network = emptyNetwork('ecn')
  const { senders: [from], receivers: [to], bottleneck: { forward } } = dumbbell(network, {
    pairs: 1,
    access: { forward: { delayNs: MS } },
    bottleneck: { forward: { rateBitsPerSecond: 10e6, delayNs: 18 * MS, queue: { discipline, ecn: true } }, backward: { delayNs: 18 * MS } }
  })
  let sink: TcpSocket | undefined
  new TcpHost(network, to, serverOptions).listen(1, socket => {
    socket.handler = IGNORING
    sink = socket
  })
  const source = new TcpHost(network, from, options).connect(to, 1)
  source.handler = IGNORING
  source.write(1e9)
  const link = network.link(forward)
  let waited = 0
  const samples = 1500
  for (let i = 0; i < samples; i++) {
    network.kernel.run(5 * S + i * 10 * MS)
    waited += link.waitingBytes * 8e3 / 10e6
  }
  network.checkConservation()
  t.is(source.timeouts, 0)
  const { droppedQueue, marked } = link.counters
  return { meanQueueMs: waited / samples, retransmitted: source.retransmittedSegments, dropped: droppedQueue, marked, goodput: (sink?.deliveredBytes ?? 0) * 8 / 20 }
}
