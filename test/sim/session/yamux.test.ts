import test from 'ava'
import { Kernel } from '../../../src/sim/kernel.ts'
import { Emitter } from '../../../src/sim/session/emitter.ts'
import type { Frame } from '../../../src/sim/session/frame.ts'
import type { MuxedChannel } from '../../../src/sim/session/muxer.ts'
import { Muxer } from '../../../src/sim/session/muxer.ts'
import { UNLIMITED_SESSION } from '../../../src/sim/session/options.ts'
import type { SimStream } from '../../../src/sim/session/stream.ts'
import { VirtualClock } from '../../../src/sim/virtual-clock.ts'

const ONE_WAY_MS = 100

/** Data frames (without headers) of real yamux streams (8.0.1) between two muxers, 100 ms apart each way. */
const RECORDED = [
  { writeBytes: 8_000_000, writes: 1, tookMs: 500, frames: [262132, 12, 262120, 12, 262144, 12, 786396, 12, 1048576, 12, 2359284, 12] },
  { writeBytes: 2_000_000, writes: 1, tookMs: 500, frames: [262132, 12, 262120, 12, 262144, 12, 786396, 12, 427160] },
  { writeBytes: 65_536, writes: 46, tookMs: 500, frames: [65536, 65536, 65536, 65536, 65524, 12, 65536] }
]

for (const { writeBytes, writes, tookMs, frames } of RECORDED) {
  test(`${writes} x ${writeBytes} bytes leave in the frames of the real yamux, in the same time`, async t => {
    const kernel = new Kernel()
    const clock = new VirtualClock(kernel)
    const [near, far] = [new Pipe(clock), new Pipe(clock)]
    const received: number[] = []
    const total = writes * writeBytes
    let arrived = 0
    let endMs = 0
    const dialler = new Muxer(near, clock, true, UNLIMITED_SESSION.limits)
    const listener = new Muxer(far, clock, false, UNLIMITED_SESSION.limits)
    listener.addEventListener('stream', stream => {
      stream.addEventListener('message', ({ data }) => {
        received.push(data.byteLength)
        arrived += data.byteLength
        endMs = clock.now()
      })
    })
    near.other = far
    far.other = near
    await kernel.runAsync(() => false, 500e6)
    const stream = await dialler.createStream()
    await kernel.runAsync(() => false, 1_000e6)
    const writing = write(stream, writes, writeBytes)
    await kernel.runAsync(() => arrived === total)
    await writing
    t.deepEqual(received.slice(0, frames.length), frames)
    t.is(endMs - 1_000, tookMs)
  })
}

/** An infinitely fast connection. */
class Pipe extends Emitter<{ frame: Frame, drain: unknown, close: unknown }> implements MuxedChannel {
  other: Pipe | undefined
  readonly #clock: VirtualClock

  constructor (clock: VirtualClock) {
    super()
    this.#clock = clock
  }

  send (frame: Frame): boolean {
    this.#clock.setTimeout(() => this.other?.emit('frame', frame), ONE_WAY_MS)
    return true
  }

  abort (): void {}
}

async function write (stream: SimStream, writes: number, bytes: number): Promise<void> {
  for (let i = 0; i < writes; i++) {
    if (!stream.send(new Uint8Array(bytes))) {
      await new Promise<void>(resolve => stream.addEventListener('drain', () => resolve(), { once: true }))
    }
  }
}
