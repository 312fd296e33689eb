import test from 'ava'
import { PcapngWriter } from '../../../src/sim/observe/pcapng.ts'
import { readPcapng } from '../../fixtures/pcapng.ts'
import { Collected } from './observe-tools.ts'

test('the section header, an interface and a packet are, byte by byte, what the specification asks for', t => {
  const collected = new Collected()
  const writer = new PcapngWriter(collected.sink)
  writer.addInterface('eth', 101)
  // 2^32 + 5 ns: the high word first.
  writer.addPacket(Uint8Array.of(0xaa, 0xbb, 0xcc, 0xdd, 0xee), { interface: 0, timeNs: 2 ** 32 + 5, originalBytes: 1500, direction: 'outbound', comment: 'why' })
  writer.flush()
  const expected = `
    0a0d0d0a 2c000000 4d3c2b1a 01000000 ffffffff ffffffff  0400 0800 7477696e77697265  0000 0000  2c000000
    01000000 28000000 6500 0000 00000000  0200 0300 65746800  0900 0100 09000000  0000 0000  28000000
    06000000 3c000000 00000000 01000000 05000000 05000000 dc050000 aabbccddee000000
      0200 0400 02000000  0100 0300 77687900  0000 0000  3c000000`
  t.is(Buffer.from(collected.bytes).toString('hex'), expected.replaceAll(/\s/g, ''))
})

test('a packet without remarks bears no options', t => {
  const collected = new Collected()
  const writer = new PcapngWriter(collected.sink)
  writer.addInterface('a', 101)
  const before = (writer.flush(), collected.bytes.length)
  writer.addPacket(Uint8Array.of(1, 2, 3, 4), { interface: 0, timeNs: 0, originalBytes: 4 })
  writer.flush()
  t.is(collected.bytes.length - before, 32 + 4)
  t.is(readPcapng(collected.bytes).packets[0].comment, undefined)
})

test('however much is written, it comes in chunks of bounded size and loses nothing', t => {
  const collected = new Collected()
  const writer = new PcapngWriter(collected.sink)
  writer.addInterface('a', 101)
  for (let i = 0; i < 5000; i++) {
    writer.addPacket(new Uint8Array(i % 200).fill(i), { interface: 0, timeNs: i, originalBytes: 1500 })
  }
  writer.flush()
  t.true(collected.chunks.length > 5 && collected.chunks.every(({ length }) => length <= 65_536))
  const { packets } = readPcapng(collected.bytes)
  t.is(packets.length, 5000)
  t.true(packets.every(({ timeNs, bytes }, i) => timeNs === i && bytes.length === i % 200 && bytes.every(byte => byte === (i & 255))))
})

test('a packet larger than a chunk is written whole', t => {
  const collected = new Collected()
  const writer = new PcapngWriter(collected.sink)
  writer.addInterface('a', 101)
  writer.addPacket(new Uint8Array(100_000).fill(7), { interface: 0, timeNs: 1, originalBytes: 100_000 })
  writer.flush()
  t.is(readPcapng(collected.bytes).packets[0].bytes.length, 100_000)
})
