import test from 'ava'
import * as fc from 'fast-check'
import { randomStream } from '../../../src/core/random.ts'
import { PoissonTraffic, TrafficSink } from '../../../src/sim/cross-traffic.ts'
import { initialSequence } from '../../../src/sim/observe/connection-book.ts'
import { NUMBERED } from '../../../src/sim/observe/nodes.ts'
import { PacketCapture } from '../../../src/sim/observe/packet-capture.ts'
import type { CaptureOptions } from '../../../src/sim/observe/packet-capture.ts'
import { FLAG_ACK, FLAG_FIN, FLAG_RST, FLAG_SYN } from '../../../src/sim/packets.ts'
import { readPcapng, readTcp } from '../../fixtures/pcapng.ts'
import type { CapturedPacket, CaptureFile, TcpHeaders } from '../../fixtures/pcapng.ts'
import { IGNORING } from '../../../src/sim/tcp/socket-handler.ts'
import { CLIENT, Collected, MS, PORT, ROUTER, SERVER, TracedPath } from './observe-tools.ts'
import { WITHOUT_SACK } from '../tcp/without-sack.ts'

interface Captured extends CaptureFile {
  /** Without the drops. */
  readonly segments: ReadonlyArray<TcpHeaders & CapturedPacket>
  readonly drops: readonly CapturedPacket[]
}

/** What is captured while `act` happens on a path, until nothing is left to happen. */
function capture (path: TracedPath, act: (path: TracedPath) => void, options: Omit<CaptureOptions, 'labels'> = {}): Captured {
  const collected = new Collected()
  const capture = new PacketCapture(path.network, collected.sink, { labels: NUMBERED, ...options })
  path.network.observers.add(capture)
  act(path)
  path.run()
  capture.finish()
  const file = readPcapng(collected.bytes)
  return {
    ...file,
    segments: file.packets.filter(packet => packet.interface !== 'drops').map(packet => ({ ...packet, ...readTcp(packet.bytes) })),
    drops: file.packets.filter(packet => packet.interface === 'drops')
  }
}

test('a SYN bears what Linux sends: MSS, SACK permitted, timestamps, window scale', t => {
  const { segments: [syn, synAck] } = capture(new TracedPath(), path => path.transfer(1000))
  t.is(syn.flags, FLAG_SYN)
  t.is(syn.totalBytes, 60)
  t.deepEqual([...syn.options.keys()], [2, 4, 8, 3])
  t.is(syn.options.get(2)?.getUint16(0), 1460)
  t.is(syn.options.get(4)?.byteLength, 0)
  // 6 MiB need a scale of 7: 65535 x 2^6 is less.
  t.is(syn.options.get(3)?.getUint8(0), 7)
  t.is(syn.acknowledgement, 0)
  t.is(syn.options.get(8)?.getUint32(4), 0)
  t.is(synAck.flags, FLAG_SYN | FLAG_ACK)
  t.is(synAck.acknowledgement, syn.sequence + 1 >>> 0)
  t.is(synAck.options.get(8)?.getUint32(4), syn.options.get(8)?.getUint32(0))
})

test('a segment bears timestamps of milliseconds, each the echo of one that was sent', t => {
  const { segments } = capture(new TracedPath(), path => path.askAndAnswer(5))
  const sent = new Set(segments.map(({ options }) => options.get(8)?.getUint32(0)))
  t.true(segments.slice(1).every(({ options }) => sent.has(options.get(8)?.getUint32(4))))
  const ours = segments.filter(({ direction }) => direction === 2)
  const [first, last] = [ours[0], ours[ours.length - 1]]
  const counted = ((last.options.get(8)?.getUint32(0) ?? 0) - (first.options.get(8)?.getUint32(0) ?? 0)) >>> 0
  t.is(counted, Math.floor(last.timeNs / MS) - Math.floor(first.timeNs / MS))
})

test('windows are scaled as the SYN of that side said, rounded up', t => {
  for (const [receiveBufferBytes, scale] of [[65_535, 0], [65_536, 1], [6 * 2 ** 20, 7], [32 * 2 ** 20, 10]]) {
    const path = new TracedPath({ tcp: { receiveBufferBytes, receiveAutotuning: false } })
    const windows: number[] = []
    const { packets } = path.network
    path.network.observers.add({ onSend: packet => { if (packets.source[packet] === CLIENT) { windows.push(packets.window[packet]) } } })
    const { segments } = capture(path, path => path.transfer(100_000), { at: CLIENT })
    t.is(segments[0].options.get(3)?.getUint8(0), scale)
    t.is(segments[0].window, Math.min(65_535, receiveBufferBytes))
    const ours = segments.filter(({ direction }) => direction === 2)
    t.is(ours.length, windows.length)
    t.deepEqual(ours.slice(1).map(({ window }) => window), windows.slice(1).map(bytes => Math.ceil(bytes / 2 ** scale)))
    t.is(windows[1], receiveBufferBytes)
  }
})

test('the sequence numbers of a side go on by what they carry, through 2^32 as well', t => {
  // Each connection begins elsewhere: 1 MB is a 4295th of the numbers, and so of so many connections some pass 2^32 in it.
  const wrapping = Array.from({ length: 40_000 }, (_, i) => i + 1).find(connection => initialSequence(connection, 0) > 2 ** 32 - 900_000)
  t.not(wrapping, undefined)
  const path = new TracedPath({ bottleneck: { rateBitsPerSecond: 100e6, delayNs: 1 * MS } })
  while (path.network.newestConnection < (wrapping ?? 0) - 1) {
    path.network.openConnection()
  }
  const { segments } = capture(path, path => path.transfer(1e6))
  const ours = segments.filter(({ direction }) => direction === 2)
  let next = ours[0].sequence
  let wraps = 0
  for (const { sequence, payloadBytes, flags } of ours) {
    t.is(sequence, next)
    next = (sequence + payloadBytes + ((flags & (FLAG_SYN | FLAG_FIN)) === 0 ? 0 : 1)) % 2 ** 32
    wraps += next < sequence ? 1 : 0
  }
  t.is(wraps, 1)
  const acknowledged = segments.filter(({ direction }) => direction === 1)
  t.is(acknowledged.at(-1)?.acknowledgement, next)
})

test('IP lengths are the packets\' sizes, checksums are right, and sides tell apart, whatever is lost', t => {
  fc.assert(fc.property(fc.string(), fc.double({ min: 0, max: 0.15, noNaN: true }), fc.integer({ min: 1, max: 200_000 }), fc.boolean(), fc.constantFrom(500, 536, 1448), (seed, probability, bytes, sack, mssBytes) => {
    const path = new TracedPath({
      seed, tcp: { mssBytes, ...(sack ? {} : WITHOUT_SACK) },
      bottleneck: { rateBitsPerSecond: 10e6, delayNs: 19 * MS, ...(probability === 0 ? {} : { loss: { model: 'bernoulli', probability } as const }), duplication: 0.02, jitter: { distribution: 'uniform', boundNs: 5 * MS }, reorder: true }
    })
    const sizes: number[] = []
    const { packets } = path.network
    path.network.observers.add({
      onSend: packet => { if (packets.source[packet] === CLIENT) { sizes.push(packets.size[packet]) } },
      onReceive: packet => { if (packets.destination[packet] === CLIENT) { sizes.push(packets.size[packet]) } }
    })
    const { segments } = capture(path, path => path.transfer(bytes))
    t.deepEqual(segments.map(({ totalBytes }) => totalBytes), sizes)
    t.true(segments.every(({ originalBytes, totalBytes }) => originalBytes === totalBytes))
    t.true(segments.every(({ options }) => sack || !options.has(4)))
    for (const { direction, source, sourcePort, destinationPort } of segments) {
      t.deepEqual([source, direction === 2 ? destinationPort : sourcePort], [direction === 2 ? '10.0.0.1' : '10.0.0.3', PORT])
    }
  }), { numRuns: 40 })
})

test('SACK blocks are the other side\'s sequence numbers', t => {
  const bottleneck = { rateBitsPerSecond: 10e6, delayNs: 19 * MS, loss: { model: 'bernoulli', probability: 0.02 } } as const
  const { segments } = capture(new TracedPath({ bottleneck }), path => path.transfer(300_000))
  const starts = new Set(segments.filter(({ direction }) => direction === 2).map(({ sequence }) => sequence))
  const blocks = segments.flatMap(({ options }) => {
    const sack = options.get(5)
    return sack === undefined ? [] : Array.from({ length: sack.byteLength / 8 }, (_, i) => [sack.getUint32(8 * i), sack.getUint32(8 * i + 4)])
  })
  t.true(blocks.length > 10)
  t.true(blocks.every(([start, end]) => starts.has(start) && (end - start >>> 0) <= 300_000))
})

test('headers only are captured, or with the payload all of the packet', t => {
  const headers = capture(new TracedPath(), path => path.transfer(5000)).segments
  t.true(headers.every(({ bytes, payloadBytes, originalBytes }) => bytes.length + payloadBytes === originalBytes))
  const whole = capture(new TracedPath(), path => path.transfer(5000), { payload: true }).segments
  t.true(whole.every(({ bytes, originalBytes }) => bytes.length === originalBytes))
  t.deepEqual(whole.map(({ bytes }, i) => bytes.subarray(0, headers[i].bytes.length)), headers.map(({ bytes }) => bytes))
})

test('a host captures what it sends and what reaches it, with a hop less for each router', t => {
  const [near, far] = [CLIENT, SERVER].map(at => capture(new TracedPath(), path => path.transfer(20_000), { at }))
  t.deepEqual([near.interfaces[0].name, far.interfaces[0].name], ['node0', 'node2'])
  t.deepEqual(near.interfaces.map(({ linkType, resolution }) => [linkType, resolution]), [[101, 9]])
  for (const { segments } of [near, far]) {
    t.true(segments.every(({ direction, timeToLive }) => timeToLive === (direction === 2 ? 64 : 63)))
  }
  // Nothing is lost: the same packets, sent here and received there.
  const identities = ({ segments }: Captured, direction: number): string[] => segments.filter(packet => packet.direction === direction).map(({ source, identification, sequence }) => `${source} ${identification} ${sequence}`)
  t.deepEqual(identities(near, 2), identities(far, 1))
  t.deepEqual(identities(near, 1), identities(far, 2))
})

test('a dropped packet is on the interface of drops, with a comment that says where and why', t => {
  const bottleneck = { rateBitsPerSecond: 10e6, delayNs: 19 * MS, loss: { model: 'bernoulli', probability: 0.02 }, queue: { limitPackets: 20 } } as const
  const path = new TracedPath({ bottleneck })
  const { drops, interfaces } = capture(path, path => path.transfer(1e6))
  const { droppedLoss, droppedQueue } = path.bottleneck.counters
  t.true(droppedLoss > 0 && droppedQueue > 0)
  const of = (reason: string): CapturedPacket[] => drops.filter(({ comment }) => comment?.startsWith(`dropped (${reason}) on the link from node1 to node2: 10.0.0.1 to 10.0.0.3, connection 1, sequence `) === true)
  t.deepEqual([of('loss').length, of('queue').length, drops.length], [droppedLoss, droppedQueue, droppedLoss + droppedQueue])
  // Not IP to a reader, lest the copy be taken for a retransmission; the headers are there all the same.
  t.is(interfaces.find(({ name }) => name === 'drops')?.linkType, 147)
  t.true(drops.every(({ bytes }) => readTcp(bytes).destination === '10.0.0.3'))
})

test('a refused connection is answered as RFC 9293 has it: RST with sequence 0 and an acknowledgement of the SYN', t => {
  const { segments: [syn, reset] } = capture(new TracedPath(), path => { path.clientHost.connect(SERVER, PORT).handler = IGNORING })
  t.is(reset.flags, FLAG_RST | FLAG_ACK)
  t.is(reset.sequence, 0)
  t.is(reset.acknowledgement, syn.sequence + 1 >>> 0)
  t.is(reset.options.size, 0)
})

test('an aborted connection ends with a RST in sequence, and what still comes is answered by one without acknowledgement', t => {
  const { segments } = capture(new TracedPath(), path => {
    path.serverHost.listen(PORT, socket => { socket.handler = IGNORING })
    const client = path.clientHost.connect(SERVER, PORT)
    client.handler = { ...IGNORING, onConnected: () => client.write(30_000) }
    path.kernel.schedule(60 * MS, path.kernel.define(() => client.abort(), 'event'), 0)
  })
  const resets = segments.filter(({ flags }) => (flags & FLAG_RST) !== 0)
  t.is(resets[0].flags, FLAG_RST | FLAG_ACK)
  const before = segments.filter(({ direction, timeNs }) => direction === 2 && timeNs < resets[0].timeNs)
  t.is((before.at(-1)?.sequence ?? 0) + (before.at(-1)?.payloadBytes ?? 0), resets[0].sequence)
  t.true(resets.length > 1 && resets.slice(1).every(({ flags, acknowledgement }) => flags === FLAG_RST && acknowledgement === 0))
})

test('cross traffic is IP of an experimental protocol, captured where it starts', t => {
  const path = new TracedPath()
  const collected = new Collected()
  const capture = new PacketCapture(path.network, collected.sink, { labels: NUMBERED })
  path.network.observers.add(capture)
  const source = new PoissonTraffic(path.network, { from: CLIENT, to: ROUTER, rateBitsPerSecond: 1e6, packetBytes: 700 }, randomStream('cross'))
  const sink = new TrafficSink(path.network, ROUTER)
  source.start()
  path.run(100 * MS)
  source.stop()
  path.run()
  capture.finish()
  const { packets } = readPcapng(collected.bytes)
  t.is(packets.length, source.sent)
  t.is(sink.packets, source.sent)
  t.true(packets.every(({ bytes, originalBytes }) => bytes.length === 20 && bytes[9] === 253 && originalBytes === 700))
})

test('a connection that was there before its observer is captured at the end that is seen to send first', t => {
  const path = new TracedPath()
  path.transfer(200_000)
  path.run(100 * MS)
  const { segments } = capture(path, () => {})
  t.true(segments.length > 10)
  t.is(new Set(segments.map(({ interface: name }) => name)).size, 1)
})

test('initial sequence numbers are whole, not zero, and different', t => {
  const numbers = Array.from({ length: 10_000 }, (_, i) => [initialSequence(i + 1, 0), initialSequence(i + 1, 1)]).flat()
  t.true(numbers.every(number => Number.isInteger(number) && number > 0 && number < 2 ** 32))
  t.is(new Set(numbers).size, numbers.length)
})
