import type { ByteQueue } from '../../sim/session/byte-queue.ts'
import { PROGRAM_HIGH_WATER_BYTES } from '../../sim/tcp/send-buffer.ts'
import type { SocketReading } from '../../sim/tcp/processor.ts'
import { READ_BYTES } from '../../sim/tcp/read-bytes.ts'
import type { TcpCloseReason, TcpSocket, TcpSocketHandler } from '../../sim/tcp/socket.ts'

/** What a socket tells whoever uses it: as Node's `net.Socket` does, and in the same order. */
export interface SimulatedSocketEvents {
  onConnect(): void
  onData(bytes: Uint8Array): void
  /** After `write` returned false: it may go on. */
  onDrain(): void
  /** The remote end will send no more, and this one has been closed, too: half-open connections are not kept. */
  onEnd(): void
  /** The last call; not after `close` or `abort`. */
  onClose(reason: TcpCloseReason): void
}

export interface SimulatedSocketInit {
  readonly socket: TcpSocket
  readonly outgoing: ByteQueue
  readonly incoming: ByteQueue
  /** Called before anything is done that may change the network, or when it told something. */
  readonly onActivity: () => void
  readonly onWrite: (bytes: Uint8Array) => void
  /** Nothing of the connection will be asked for any more. */
  readonly onReleased: () => void
}

/** A stream of bytes over a simulated TCP connection. */
export class SimulatedSocket implements TcpSocketHandler {
  events: SimulatedSocketEvents | undefined
  readonly #init: SimulatedSocketInit
  readonly #reading: SocketReading
  #paused = false
  /** Arrived, and not read yet. */
  #heldBytes = 0
  #delivering = false
  #endHeld = false
  #drainDue = false

  constructor (init: SimulatedSocketInit) {
    this.#init = init
    this.#reading = init.socket.attach(this)
    this.#reading.autoRead = false
  }

  get connection (): number {
    return this.#init.socket.connection
  }

  /** Takes the bytes, which must not change any more, however many; false where the caller should wait for `onDrain`. */
  write (bytes: Uint8Array): boolean {
    const { socket, outgoing, onActivity, onWrite } = this.#init
    onActivity()
    onWrite(bytes)
    outgoing.append(bytes)
    socket.send(bytes.byteLength)
    const writable = socket.unwrittenBytes < PROGRAM_HIGH_WATER_BYTES
    this.#drainDue ||= !writable
    return writable
  }

  /** Nothing is told and the window closes, once it is full, until `resume`. */
  pause (): void {
    this.#paused = true
  }

  resume (): void {
    if (this.#paused) {
      this.#paused = false
      this.#init.onActivity()
      this.#deliver()
    }
  }

  /** Sends what is queued and then the end, and leaves the rest to TCP. */
  close (): void {
    this.#leave()
    this.#init.socket.close()
  }

  /** Resets the connection, whatever is queued. */
  abort (): void {
    this.#leave()
    this.#init.socket.abort()
  }

  onConnected (): void {
    this.#init.onActivity()
    this.events?.onConnect()
  }

  onData (byteCount: number): void {
    this.#init.onActivity()
    this.#heldBytes += byteCount
    this.#deliver()
  }

  onDrain (): void {
    this.#init.onActivity()
    if (this.#drainDue) {
      this.#drainDue = false
      this.events?.onDrain()
    }
  }

  onRemoteClose (): void {
    this.#init.onActivity()
    this.#endHeld = true
    this.#endIfAllIsRead()
  }

  onClosed (reason: TcpCloseReason): void {
    this.#init.onActivity()
    this.#init.onReleased()
    this.events?.onClose(reason)
  }

  /** Reads and hands over what is held, piece by piece until a pause. A handler that resumes leaves the rest to this. */
  #deliver (): void {
    if (this.#delivering) {
      return
    }
    this.#delivering = true
    try {
      while (this.#heldBytes > 0 && !this.#paused) {
        const byteCount = Math.min(this.#heldBytes, READ_BYTES)
        this.#heldBytes -= byteCount
        this.#reading.read(byteCount)
        // Taken also where nobody is told any more: what arrives after a close is thrown away.
        const bytes = this.#init.incoming.take(byteCount)
        this.events?.onData(bytes)
      }
    } finally {
      this.#delivering = false
    }
    this.#endIfAllIsRead()
  }

  /** The end comes behind all data, also where a handler of data pauses and resumes. */
  #endIfAllIsRead (): void {
    if (this.#endHeld && this.#heldBytes === 0 && !this.#paused && !this.#delivering) {
      this.#endHeld = false
      this.#init.socket.close()
      this.events?.onEnd()
    }
  }

  #leave (): void {
    this.#init.onActivity()
    this.events = undefined
    this.#paused = false
    this.#deliver()
  }
}
