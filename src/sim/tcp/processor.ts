import type { Kernel, Operation } from '../kernel.ts'
import type { TcpCloseReason, TcpSocket, TcpSocketHandler } from './socket.ts'

export interface ProcessorOptions {
  /** What it takes to deal with anything that a socket tells: that it is connected, has data, may go on, has ended. */
  readonly perEventNs: number
  /** Beside that, for each byte of data. */
  readonly perByteNs: number
}

/** How a socket's user reads: as `TcpSocket` has it. */
export type SocketReading = Pick<TcpSocket, 'autoRead' | 'read'>

/**
 * A host's processor: what sockets tell programs on the host is dealt with one after the other, and what those do about it
 * they do when its time is over. TCP itself takes no time, as it is the kernel's.
 */
export class Processor {
  readonly #kernel: Kernel
  readonly #options: ProcessorOptions
  readonly #done: Operation
  readonly #queue: Array<() => void> = []
  #busyUntilNs = 0

  constructor (kernel: Kernel, options: ProcessorOptions) {
    this.#kernel = kernel
    this.#options = options
    this.#done = kernel.define(() => this.#queue.shift()?.(), 'processing')
  }

  /** Does `work`, which concerns so many bytes, when everything before it is done and its own time is over. */
  process (byteCount: number, work: () => void): void {
    const { perEventNs, perByteNs } = this.#options
    this.#busyUntilNs = Math.max(this.#kernel.nowNs, this.#busyUntilNs) + Math.round(perEventNs + perByteNs * byteCount)
    this.#queue.push(work)
    this.#kernel.schedule(this.#busyUntilNs, this.#done, 0)
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
    this.#processor.process(byteCount, () => {
      this.#handler.onData(byteCount)
      if (this.autoRead) {
        this.#socket.read(byteCount)
      }
    })
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
