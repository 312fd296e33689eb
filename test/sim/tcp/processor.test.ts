import test from 'ava'
import { Kernel } from '../../../src/sim/kernel.ts'
import { ProcessedHandler, Processor } from '../../../src/sim/tcp/processor.ts'
import type { TcpSocket, TcpSocketHandler } from '../../../src/sim/tcp/socket.ts'

const EVENT_NS = 100
const KIB_64 = 65_536

/** A socket's handler behind a processor that takes 100 ns an event and 1 ns a byte, what reaches it, and its socket's reads. */
function processed (): { kernel: Kernel, processor: Processor, handler: ProcessedHandler, told: Array<readonly [atNs: number, bytes: number]>, at: (nowNs: number, act: () => void) => void } {
  const kernel = new Kernel()
  const told: Array<readonly [number, number]> = []
  const processor = new Processor(kernel, { perEventNs: EVENT_NS, perByteNs: 1 })
  const socket = { autoRead: true, read: () => {} } as unknown as TcpSocket
  const handler: TcpSocketHandler = { onConnected: () => {}, onData: bytes => { told.push([kernel.nowNs, bytes]) }, onRemoteClose: () => { told.push([kernel.nowNs, 0]) }, onClosed: () => {} }
  const at = (nowNs: number, act: () => void): void => { kernel.schedule(nowNs, kernel.define(act, 'test'), 0) }
  return { kernel, processor, handler: new ProcessedHandler(socket, handler, processor), told, at }
}

test('what a socket is sent while the processor is busy is one read and costs once', t => {
  const { kernel, handler, told, at } = processed()
  // A length, which begins at once; the rest of the message and the next one's length while that is dealt with.
  at(0, () => handler.onData(2))
  at(10, () => handler.onData(28))
  at(50, () => handler.onData(2))
  kernel.run()
  const firstNs = EVENT_NS + 2
  t.deepEqual(told, [[firstNs, 2], [firstNs + EVENT_NS + 30, 30]])
})

test('a read takes 64 KiB at most, and what ends the stream comes behind all data', t => {
  const { kernel, handler, told, at } = processed()
  at(0, () => handler.onData(1))
  at(1, () => handler.onData(60_000))
  at(2, () => handler.onData(10_000))
  at(3, () => handler.onRemoteClose())
  kernel.run()
  t.deepEqual(told.map(([, bytes]) => bytes), [1, KIB_64, 70_000 - KIB_64, 0])
  t.is(told[3][0], 4 * EVENT_NS + 70_001)
})

test('what a freeze interrupts begins again after it, with what has arrived meanwhile', t => {
  const { kernel, processor, handler, told, at } = processed()
  at(0, () => handler.onData(10))
  at(50, () => processor.freeze(1_000))
  at(60, () => handler.onData(20))
  kernel.run()
  t.deepEqual(told, [[1_050 + EVENT_NS + 30, 30]])
})
