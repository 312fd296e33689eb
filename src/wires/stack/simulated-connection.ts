import { TimeoutError } from '@libp2p/interface'
import type { Logger } from '@libp2p/interface'
import { AbstractMultiaddrConnection } from '@libp2p/utils'
import type { Multiaddr } from '@multiformats/multiaddr'
import { systemClock } from '../../core/clock.ts'
import { Inactivity } from '../../sim/session/inactivity.ts'
import type { TcpCloseReason } from '../../sim/tcp/socket.ts'
import type { SimulatedSocket } from './simulated-socket.ts'
import { socketError } from '../../sim/tcp/socket-error.ts'

export interface SimulatedConnectionInit {
  readonly socket: SimulatedSocket
  readonly remoteAddr: Multiaddr
  readonly direction: 'inbound' | 'outbound'
  readonly log: Logger
  /** Nothing sent and nothing received for so long aborts the connection; 0: never. */
  readonly inactivityTimeoutMs: number
  readonly onClosed?: () => void
}

type SendData = AbstractMultiaddrConnection['sendData']

/** A libp2p connection over a simulated socket; it does what that of @libp2p/tcp does over a real one. */
export class SimulatedConnection extends AbstractMultiaddrConnection {
  readonly #socket: SimulatedSocket
  readonly #inactivity: Inactivity | undefined

  constructor ({ socket, inactivityTimeoutMs, onClosed, ...init }: SimulatedConnectionInit) {
    super(init)
    this.#socket = socket
    // The thread's own functions, which are virtual where it is.
    this.#inactivity = inactivityTimeoutMs > 0 ? new Inactivity(systemClock, inactivityTimeoutMs, () => this.abort(new TimeoutError())) : undefined
    socket.events = {
      // A connection is made of a socket that is connected.
      onConnect: () => {},
      onData: bytes => this.#onData(bytes),
      onDrain: () => this.safeDispatchEvent('drain'),
      onEnd: () => this.onTransportClosed(),
      onClose: reason => this.#onClose(reason)
    }
    this.addEventListener('close', () => {
      this.#inactivity?.stop()
      onClosed?.()
    }, { once: true })
  }

  override sendData (data: Parameters<SendData>[0]): ReturnType<SendData> {
    let sentBytes = 0
    let canSendMore = true
    this.#inactivity?.touch()
    for (const bytes of data) {
      sentBytes += bytes.byteLength
      // The receiver decrypts in place, and the sender may use its buffer again.
      canSendMore = this.#socket.write(bytes.slice())
      if (!canSendMore) {
        break
      }
    }
    return { sentBytes, canSendMore }
  }

  override async sendClose (): Promise<void> {
    this.#socket.close()
  }

  override sendReset (): void {
    this.#socket.abort()
  }

  override sendPause (): void {
    this.#socket.pause()
  }

  override sendResume (): void {
    this.#socket.resume()
  }

  /** Ends it at once, without a word to the remote end but TCP's own. */
  destroy (): void {
    this.#socket.close()
    this.onTransportClosed()
  }

  #onData (bytes: Uint8Array): void {
    this.#inactivity?.touch()
    this.onData(bytes)
  }

  #onClose (reason: TcpCloseReason): void {
    if (reason === 'closed') {
      this.onTransportClosed()
    } else {
      this.abort(socketError(reason, 'read'))
    }
  }
}
