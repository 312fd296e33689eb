import type { Kernel, Operation } from '../kernel.ts'
import { READ_BYTES } from './read-bytes.ts'
import type { TcpCloseReason, TcpSocket, TcpSocketHandler } from './socket.ts'

export interface ProcessorOptions {
  /** What it takes to deal with anything that a socket tells: that it is connected, has data, may go on, has ended. */
  readonly perEventNs: number
  /** Beside that, for each byte of data. */
  readonly perByteNs: number
}

/** How a socket's user reads: as `TcpSocket` has it. */
export type SocketReading = Pick<TcpSocket, 'autoRead' | 'read'>

/** Something to be done, which concerns so many bytes. */
interface Job {
  byteCount: number
  begun: boolean
  readonly work: (byteCount: number) => void
}

/**
 * A host's processor: what sockets tell programs on the host is dealt with one after the other, and what those do about it
 * they do when its time is over. TCP itself takes no time, as it is the kernel's. What a socket has been sent by the time
 * that it is its turn is read together, 64 KiB at most, and costs once.
 *
 * It can be frozen, as by a program that does not come back to its event loop: then programs do nothing, and afterwards
 * first the timers that came due meanwhile are seen to, in their order, then what sockets told: so does Node's event loop,
 * which runs timers before it asks for what has arrived. TCP goes on.
 */
export class Processor {
  readonly #kernel: Kernel
  readonly #options: ProcessorOptions
  readonly #done: Operation
  readonly #thaw: Operation
  readonly #resume: Operation
  readonly #queue: Job[] = []
  /** The first of the queue is being done. */
  #working = false
  /** Of events: those of a queue that was held are not this one's. */
  #generation = 0
  #frozenUntilNs = 0
  #frozen = false
  #timers: Array<() => void> = []

  constructor (kernel: Kernel, options: ProcessorOptions) {
    this.#kernel = kernel
    this.#options = options
    this.#done = kernel.define(generation => {
      if (generation === this.#generation) {
        this.#endFirst()
      }
    }, 'processing')
    this.#thaw = kernel.define(() => this.#runTimers(), 'freeze ends')
    this.#resume = kernel.define(() => this.#runHeld(), 'what arrived in a freeze')
  }

  /** Whether what sockets tell has to wait for the end of a freeze. */
  get frozen (): boolean {
    return this.#frozen
  }

  /** Does `work`, which concerns so many bytes, when everything before it is done and its own time is over. */
  process (byteCount: number, work: (byteCount: number) => void): Job {
    const job: Job = { byteCount, begun: false, work }
    this.#queue.push(job)
    this.#beginFirst()
    return job
  }

  /** Adds bytes to what has not begun, and returns how many are one read with it. */
  join (job: Job | undefined, byteCount: number): number {
    if (job === undefined || job.begun) {
      return 0
    }
    const joined = Math.min(byteCount, READ_BYTES - job.byteCount)
    job.byteCount += joined
    return joined
  }

  /** Does what a timer of a program is for: now, or at the end of a freeze. */
  processTimer (work: () => void): void {
    if (this.#kernel.nowNs < this.#frozenUntilNs) {
      this.#timers.push(work)
    } else {
      work()
    }
  }

  /** From now on for so long programs do nothing. Freezes that overlap end with the last. */
  freeze (durationNs: number): void {
    const { nowNs } = this.#kernel
    this.#frozenUntilNs = Math.max(this.#frozenUntilNs, nowNs + durationNs)
    this.#frozen = true
    this.#generation++
    if (this.#working) {
      this.#working = false
      this.#queue[0].begun = false
    }
    this.#kernel.schedule(nowNs + durationNs, this.#thaw, 0)
  }

  #beginFirst (): void {
    if (this.#frozen || this.#working || this.#queue.length === 0) {
      return
    }
    const [job] = this.#queue
    const { perEventNs, perByteNs } = this.#options
    job.begun = true
    this.#working = true
    this.#kernel.schedule(this.#kernel.nowNs + Math.round(perEventNs + perByteNs * job.byteCount), this.#done, this.#generation)
  }

  #endFirst (): void {
    const job = this.#queue.shift()
    this.#working = false
    job?.work(job.byteCount)
    this.#beginFirst()
  }

  #runTimers (): void {
    const { nowNs } = this.#kernel
    if (nowNs < this.#frozenUntilNs || !this.#frozen) {
      return
    }
    const timers = this.#timers
    this.#timers = []
    this.#kernel.wake()
    timers.forEach(work => work())
    // Behind timers that are due at this very instant.
    this.#kernel.schedule(nowNs, this.#resume, 0)
  }

  #runHeld (): void {
    if (this.#kernel.nowNs < this.#frozenUntilNs) {
      return
    }
    this.#frozen = false
    this.#beginFirst()
  }
}

/**
 * Lets a handler have what its socket tells when the processor has dealt with it. Data counts as read only then, so that a
 * slow host closes its window.
 */
export class ProcessedHandler implements TcpSocketHandler, SocketReading {
  autoRead = true
  readonly #socket: TcpSocket
  readonly #handler: TcpSocketHandler
  readonly #processor: Processor
  /** Of data, the latest. */
  #read: Job | undefined

  constructor (socket: TcpSocket, handler: TcpSocketHandler, processor: Processor) {
    socket.autoRead = false
    this.#socket = socket
    this.#handler = handler
    this.#processor = processor
  }

  read (byteCount: number): void {
    this.#socket.read(byteCount)
  }

  onConnected (): void {
    this.#processor.process(0, () => this.#handler.onConnected())
  }

  onData (byteCount: number): void {
    const left = byteCount - this.#processor.join(this.#read, byteCount)
    if (left > 0) {
      this.#read = this.#processor.process(left, readBytes => {
        if (this.autoRead) {
          this.#socket.read(readBytes)
        }
        this.#handler.onData(readBytes)
      })
    }
  }

  onDrain (): void {
    this.#processor.process(0, () => this.#handler.onDrain?.())
  }

  onRemoteClose (): void {
    this.#processor.process(0, () => this.#handler.onRemoteClose())
  }

  onClosed (reason: TcpCloseReason): void {
    this.#processor.process(0, () => this.#handler.onClosed(reason))
  }
}

/** Of a connection that no program has accepted yet: keeps what its socket tells, unread, until one does. */
export class BacklogHandler implements TcpSocketHandler {
  readonly #told: Array<(handler: TcpSocketHandler) => void> = []
  #closed = false

  /** @param socket must have no handler yet */
  constructor (socket: TcpSocket) {
    socket.autoRead = false
    socket.handler = this
  }

  /** True where there is nothing left to accept. */
  get closed (): boolean {
    return this.#closed
  }

  /** Tells all of it. */
  replay (handler: TcpSocketHandler): void {
    this.#told.forEach(tell => tell(handler))
  }

  onConnected (): void {}

  onData (byteCount: number): void {
    this.#told.push(handler => handler.onData(byteCount))
  }

  onRemoteClose (): void {
    this.#told.push(handler => handler.onRemoteClose())
  }

  onClosed (): void {
    this.#closed = true
  }
}
