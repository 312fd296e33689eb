import test from 'ava'
import { ConnectionNumbers } from '../../../src/wires/tcp/namespaces/connection-numbers.ts'
import { lostAtDevices, lostAtSockets } from '../../../src/wires/tcp/namespaces/lost-packets.ts'
import { destinationOf, destinationPortOf, giveOtherSender, ipBytesOf, isTcp, opensConnection, sourceHostOf, sourcePortOf } from '../../../src/wires/tcp/namespaces/tunnelled-packet.ts'
import { ACK, segment, SYN } from './segments.ts'

test('of a segment in a tunnel hosts, ports, length and whether it opens a connection are read', t => {
  const datagram = segment({ from: 3, to: 258, position: 1, sourcePort: 65_000, destinationPort: 4_001 }, SYN, 60)
  t.true(isTcp(datagram))
  t.is(ipBytesOf(datagram), 60)
  t.is(sourceHostOf(datagram), 3)
  t.deepEqual(destinationOf(datagram), { host: 258, position: 1 })
  t.deepEqual([sourcePortOf(datagram), destinationPortOf(datagram)], [65_000, 4_001])
  t.true(opensConnection(datagram))
  t.false(opensConnection(segment({ from: 0, to: 1 }, SYN | ACK)))
  t.false(opensConnection(segment({ from: 0, to: 1 }, ACK)))
})

test('the sender that a host would take for itself is another afterwards, and nothing else is', t => {
  const datagram = segment({ from: 0, to: 1 })
  const before = [...datagram]
  giveOtherSender(datagram)
  t.deepEqual([...datagram].flatMap((byte, at) => byte === before[at] ? [] : [at]), [8 + 6 + 5])
})

test('what is no whole TCP segment is not taken for one', t => {
  const whole = segment({ from: 0, to: 1 })
  t.false(isTcp(whole.subarray(0, 21)))
  t.false(isTcp(whole.subarray(0, whole.byteLength - 1)))
  for (const [at, byte] of [[22, 0x65], [22, 0x46], [31, 17], [25, 200]] as const) {
    const other = Uint8Array.from(whole)
    other[at] = byte
    t.false(isTcp(other), `${at}`)
  }
  t.false(isTcp(new Uint8Array(0)))
})

test('connections are numbered as they open: both ways alike, other ports others, and a SYN with another sequence number begins the next', t => {
  let opened = 0
  const numbers = new ConnectionNumbers(() => ++opened)
  const there = { from: 0, to: 1 }
  const back = { from: 1, to: 0, sourcePort: 4_001, destinationPort: 40_000 }
  t.is(numbers.of(segment(there, SYN)), 1)
  t.is(numbers.of(segment(back, SYN | ACK)), 1)
  t.is(numbers.of(segment({ ...there, sourcePort: 40_001 }, SYN)), 2)
  t.is(numbers.of(segment(there)), 1)
  t.is(numbers.of(segment(there, SYN)), 1, 'sent again')
  t.is(numbers.of(segment({ ...there, sequence: 77 }, SYN)), 3)
  t.is(numbers.of(segment(back)), 3)
})

test('datagrams that a socket had no room for are counted over all sockets', t => {
  t.is(lostAtSockets(`   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops
 8693: 010010AC:12B5 020010AC:12B5 01 00000000:00000000 00:00000000 00000000     0        0 9750 2 00000000c92c0caf 3
 8694: 050010AC:12B5 060010AC:12B5 01 00000000:00000000 00:00000000 00000000     0        0 9749 2 0000000014a85963 39
`), 42)
  t.is(lostAtSockets('   sl  local_address rem_address\n'), 0)
})

test('packets that a device had no room for are counted over all devices, both ways', t => {
  t.is(lostAtDevices(`Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed
    lo: 2776770   11307    0    0    0     0          0         0  2776770   11307    0    0    0     0       0          0
    u0: 1215645    2751    0    4    0     0          0         0  1782404    4324    0    3    0   427       0          0
`), 7)
})
