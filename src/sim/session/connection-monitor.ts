import { AdaptiveTimeout } from '../../core/adaptive-timeout.ts'
import type { Clock, Timer } from '../../core/clock.ts'
import { timeoutSignal } from '../../core/clock.ts'
import type { RandomStream } from '../../core/random.ts'
import type { SimConnection } from './connection.ts'
import type { SessionOptions } from './options.ts'
import type { SimStream } from './stream.ts'
import { SessionError, timeoutError } from './errors.ts'
import { settled } from './settled.ts'
import { RACE_TURNS, turns } from './turns.ts'

export const PING_PROTOCOL = '/ipfs/ping/1.0.0'
const PING_BYTES = 32

/** What `for await` over a stream spends on each thing that it gets. */
const ITERATION_TURNS = 3
/** `byteStream.read`, beside the race with its signal. */
const READ_TURNS = 1

type MonitorOptions = Pick<SessionOptions, 'pingIntervalMs' | 'pingTimeoutMs'>

/**
 * What plain js-libp2p 3.3 does about dead connections: every 10 s, where nothing else is said, it pings each connection, and
 * aborts those whose ping failed within a moving average of earlier pings, 5 s at least.
 */
export class ConnectionMonitor {
  readonly #clock: Clock
  readonly #intervalMs: number
  readonly #timeout: AdaptiveTimeout
  readonly #random: RandomStream
  readonly #connections: () => readonly SimConnection[]
  readonly #controller = new AbortController()
  #timer: Timer | undefined

  constructor (clock: Clock, { pingIntervalMs, pingTimeoutMs }: MonitorOptions, random: RandomStream, connections: () => readonly SimConnection[]) {
    this.#clock = clock
    this.#intervalMs = pingIntervalMs
    this.#timeout = new AdaptiveTimeout(clock, pingTimeoutMs)
    this.#random = random
    this.#connections = connections
  }

  start (): void {
    this.#timer = this.#clock.setTimeout(() => {
      this.start()
      for (const connection of this.#connections()) {
        this.#check(connection).catch((error: unknown) => {
          // A listener of the node's threw: that is the run's failure and must not be lost in a promise.
          this.#clock.setTimeout(() => { throw error }, 0)
        })
      }
    }, this.#intervalMs)
  }

  stop (): void {
    this.#timer?.cancel()
    this.#controller.abort(new SessionError('AbortError', 'the node was stopped'))
  }

  async #check (connection: SimConnection): Promise<void> {
    const startMs = this.#clock.now()
    using timeout = timeoutSignal(this.#clock, this.#timeout.timeoutMs, this.#controller.signal, timeoutError)
    let stream: SimStream | undefined
    try {
      stream = await connection.newStream(PING_PROTOCOL, { signal: timeout.signal })
      const sentMs = this.#clock.now()
      await echo(stream, this.#payload(), timeout.signal)
      await turns(RACE_TURNS + READ_TURNS)
      connection.rtt = Math.floor(this.#clock.now()) - Math.floor(sentMs)
      await stream.close({ signal: timeout.signal })
    } catch (error) {
      const reason = error instanceof Error ? error : new Error(String(error))
      stream?.abort(reason)
      // Without the protocol the peer still answered: it lives.
      if (reason.name !== 'UnsupportedProtocolError' && !this.#controller.signal.aborted) {
        connection.abort(reason)
      }
    }
    this.#timeout.ended(this.#clock.now() - startMs, timeout.signal.aborted)
  }

  #payload (): Uint8Array {
    return Uint8Array.from({ length: PING_BYTES }, () => this.#random.integer(256))
  }
}

/** The listener's side of ping: everything comes back. */
export function servePing (stream: SimStream): void {
  stream.addEventListener('message', ({ data }) => act(stream, () => { stream.send(data) }))
  stream.addEventListener('remoteCloseWrite', () => act(stream, async () => { await stream.close() }))
}

/** As the loop over the stream gets to it. */
function act (stream: SimStream, action: () => void | Promise<void>): void {
  turns(ITERATION_TURNS).then(action).catch((error: unknown) => {
    // The connection is being closed from this end.
    stream.abort(error as Error)
  })
}

async function echo (stream: SimStream, payload: Uint8Array, signal: AbortSignal): Promise<void> {
  await settled<void>(signal, (resolve, reject) => {
    let missing = payload.byteLength
    const onMessage = ({ data }: { readonly data: Uint8Array }): void => {
      missing -= data.byteLength
      if (missing <= 0) {
        resolve()
      }
    }
    const onClose = ({ error }: { readonly error?: Error }): void => reject(error ?? new SessionError('StreamResetError', 'the stream closed'))
    stream.addEventListener('message', onMessage)
    stream.addEventListener('close', onClose)
    stream.send(payload)
    return () => {
      stream.removeEventListener('message', onMessage)
      stream.removeEventListener('close', onClose)
    }
  })
}
