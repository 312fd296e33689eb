import test from 'ava'
import { countOf } from '../../src/wires/tcp/device-traffic.ts'

// As proc_net_dev(5) has it.
const TABLE = `Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed
    lo: 2776770   11307    0    0    0     0          0         0  2776770   11307    0    0    0     0       0          0
    p0: 1215645    2751    0    0    0     0          0         0  1782404    4324    0    0    0   427       0          0
   p10:  152        2      0    0    0     0          0         0  76          1      0    0    0     0       0          0
`

test('traffic is summed over the devices that are named, each packet less the 64 bytes of its tunnel and its Ethernet headers', t => {
  t.deepEqual(countOf(TABLE, new Set(['p0'])), { receivedPackets: 2751, receivedBytes: 1215645 - 64 * 2751, sentPackets: 4324, sentBytes: 1782404 - 64 * 4324 })
  t.deepEqual(countOf(TABLE, new Set(['p10', 'p1'])), { receivedPackets: 2, receivedBytes: 152 - 64 * 2, sentPackets: 1, sentBytes: 76 - 64 })
})
