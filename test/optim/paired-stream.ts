import type { CloseEvent, Stream, StreamEvents, TransferStatus } from '../../src/optim/port.ts'

type Listener = (event: never) => void

/** Listener bookkeeping as in the DOM: added twice, called once. */
export class Listeners<Events extends object> {
  readonly #listeners = new Map<keyof Events & string, Set<Listener>>()

  addEventListener<Type extends keyof Events & string> (type: Type, listener: (event: Events[Type]) => void): void {
    const listeners = this.#listeners.get(type) ?? new Set()
    listeners.add(listener)
    this.#listeners.set(type, listeners)
  }

  removeEventListener<Type extends keyof Events & string> (type: Type, listener: (event: Events[Type]) => void): void {
    this.#listeners.get(type)?.delete(listener)
  }

  emit<Type extends keyof Events & string> (type: Type, event: Events[Type]): void {
    for (const listener of this.#listeners.get(type) ?? []) {
      (listener as (event: Events[Type]) => void)(event)
    }
  }

  get listeners (): number {
    return [...this.#listeners.values()].reduce((sum, listeners) => sum + listeners.size, 0)
  }
}

/** One end of a pair of streams in memory. What one sends the other gets in a later microtask, or when `deliver` says. */
export class PairedStream extends Listeners<StreamEvents> implements Stream {
  readonly id: string
  readonly protocol: string
  readonly direction: 'inbound' | 'outbound'
  status: TransferStatus = 'open'
  writableNeedsDrain = false
  readBufferLength = 0
  writeBufferLength = 0
  /** Bytes of each `send`. */
  readonly sends: number[] = []
  /** How what was sent reaches the other end; a test may delay it or drop it. */
  deliver: (action: () => void) => void = action => queueMicrotask(action)
  /** After this many sends, `send` answers false until `drain` is called. */
  roomForSends = Infinity
  #remote: PairedStream | undefined
  #writeClosed = false
  #remoteWriteClosed = false

  constructor (id: string, protocol: string, direction: 'inbound' | 'outbound') {
    super()
    this.id = id
    this.protocol = protocol
    this.direction = direction
  }

  static pair (id = '1', protocol = '/test'): [outbound: PairedStream, inbound: PairedStream] {
    const outbound = new PairedStream(id, protocol, 'outbound')
    const inbound = new PairedStream(id, protocol, 'inbound')
    outbound.#remote = inbound
    inbound.#remote = outbound
    return [outbound, inbound]
  }

  send (data: Uint8Array): boolean {
    if (this.#writeClosed || this.status !== 'open') {
      throw new Error(`cannot send on a stream that is ${this.status}`)
    }
    this.sends.push(data.length)
    const copy = data.slice()
    this.deliver(() => this.#remote?.receive(copy))
    this.writableNeedsDrain = --this.roomForSends <= 0
    return !this.writableNeedsDrain
  }

  /** Room for this many sends more. */
  drain (roomForSends: number): void {
    this.roomForSends = roomForSends
    this.writableNeedsDrain = false
    this.emit('drain', {})
  }

  receive (data: Uint8Array): void {
    if (this.status === 'open') {
      this.emit('message', { data })
    }
  }

  async close (): Promise<void> {
    if (!this.#writeClosed) {
      this.#writeClosed = true
      this.deliver(() => this.#remote?.remoteClosedWrite())
      this.#endIfBothClosed()
    }
  }

  abort (error: Error): void {
    if (this.status === 'open') {
      this.#end('aborted', { error, local: true })
      this.deliver(() => this.#remote?.reset())
    }
  }

  /** The other end is gone. */
  reset (): void {
    if (this.status === 'open') {
      this.#end('reset', { error: Object.assign(new Error('the stream was reset'), { name: 'StreamResetError' }), local: false })
    }
  }

  pause (): void {}

  resume (): void {}

  remoteClosedWrite (): void {
    if (this.status === 'open') {
      this.#remoteWriteClosed = true
      this.emit('remoteCloseWrite', {})
      this.#endIfBothClosed()
    }
  }

  #endIfBothClosed (): void {
    if (this.#writeClosed && this.#remoteWriteClosed) {
      this.#end('closed', {})
    }
  }

  #end (status: TransferStatus, event: CloseEvent): void {
    this.status = status
    this.emit('close', event)
  }
}
