import { TwinwireError } from '../../core/errors.ts'
import { Budget } from './budget.ts'
import { IncomingStream } from './incoming-stream.ts'
import { stoppedError } from './protocol.ts'
import { RunningShares } from './running-shares.ts'
import { Turns } from './turns.ts'
import { BATCH_PROTOCOL } from './wire/format.ts'
import type { Connection, NetworkNode, Stream } from '../port.ts'
import type { BatchingEnvironment } from './environment.ts'
import type { Registered, ResponderShared } from './incoming-stream.ts'
import type { BatchHandler } from './running-handler.ts'

/** How a protocol is served in batches. */
export interface BatchHandlerOptions {
  /** True where replies hold secrets: they are then not compressed, for their length would tell of them. Default false. */
  readonly sensitive?: boolean
}

/** Serves what comes in batches: the streams that peers opened, and the handlers for what is on them. */
export class BatchResponder {
  readonly #node: NetworkNode
  readonly #environment: BatchingEnvironment
  readonly #running: RunningShares
  readonly #replies: Budget
  readonly #handlers = new Map<string, Registered>()
  readonly #streams = new Set<IncomingStream>()
  /** Those that wait for a handler to end. */
  readonly #blocked = new Turns<IncomingStream>()
  readonly #shared: ResponderShared
  readonly #onIdle: () => void
  /** Set once the node has been asked to hand over streams. */
  #registered: Promise<void> | undefined
  /** Set once nothing new is taken. */
  #draining: Promise<void> | undefined

  constructor (node: NetworkNode, environment: BatchingEnvironment, onIdle: () => void) {
    const { maximumRunning, maximumRunningBytes, maximumReplyBytesInAll } = environment.settings
    this.#node = node
    this.#environment = environment
    this.#onIdle = onIdle
    const running = this.#running = new RunningShares(maximumRunning, maximumRunningBytes)
    const replies = this.#replies = new Budget(Infinity, maximumReplyBytesInAll)
    const stopping = (): boolean => this.#draining !== undefined
    this.#shared = {
      environment,
      running,
      replies,
      get stopping () { return stopping() },
      handlerOf: protocol => this.#handlers.get(protocol),
      onBlocked: stream => this.#blocked.add(stream.peer, stream),
      onRoom: () => this.#onRoom(),
      onEnd: stream => this.#onEnd(stream)
    }
  }

  get levels (): { readonly incomingStreams: number, readonly running: number, readonly waitingReplyBytes: number } {
    return { incomingStreams: this.#streams.size, running: this.#running.handlers, waitingReplyBytes: this.#replies.bytes }
  }

  /** No stream is open. */
  get idle (): boolean {
    return this.#streams.size === 0
  }

  /** @throws ERR_STOPPED, ERR_INVALID_STATE where the protocol has a handler already, and what the node throws where the batch protocol has one */
  async handle (protocol: string, handler: BatchHandler, { sensitive = false }: BatchHandlerOptions): Promise<void> {
    if (this.#draining !== undefined) {
      throw stoppedError()
    }
    if (this.#handlers.has(protocol)) {
      throw new TwinwireError('ERR_INVALID_STATE', 'the protocol has a handler already', { found: protocol })
    }
    const registered = { handler, sensitive }
    this.#handlers.set(protocol, registered)
    const registering = this.#registered ??= this.#node.handle(BATCH_PROTOCOL, this.#onStream, { maxInboundStreams: this.#environment.settings.maximumIncomingStreams })
    try {
      await registering
    } catch (error) {
      // The next may find the name free; another of those that waited has begun anew already, perhaps.
      if (this.#registered === registering) {
        this.#registered = undefined
      }
      if (this.#handlers.get(protocol) === registered) {
        this.#handlers.delete(protocol)
      }
      throw error
    }
  }

  unhandle (protocol: string): void {
    this.#handlers.delete(protocol)
  }

  /**
   * Takes nothing new; streams close as soon as what was begun is answered. Resolves when the node hands over none any
   * more. Never rejects.
   */
  drain (): Promise<void> {
    this.#draining ??= this.#drain()
    return this.#draining
  }

  async #drain (): Promise<void> {
    // Lets `stopping` be true before anything reacts to what follows.
    await Promise.resolve()
    for (const stream of this.#streams) {
      stream.closeIfIdle()
    }
    try {
      if (this.#registered !== undefined) {
        await this.#registered
        await this.#node.unhandle(BATCH_PROTOCOL)
      }
    } catch {
      // It was not registered, and is not now.
    }
  }

  /** Resets what is still open. */
  stop (error: Error): void {
    for (const stream of this.#streams) {
      stream.abort(error, 'stopped')
    }
    this.#handlers.clear()
  }

  #onRoom (): void {
    this.#blocked.give(stream => stream.takeTurn(), () => this.#running.exhausted)
  }

  #onEnd (stream: IncomingStream): void {
    this.#streams.delete(stream)
    this.#blocked.remove(stream.peer, stream)
    this.#onIdle()
  }

  readonly #onStream = (stream: Stream, connection: Connection): void => {
    if (this.#draining !== undefined) {
      stream.abort(stoppedError())
    } else {
      this.#streams.add(new IncomingStream(stream, connection, this.#shared))
    }
  }
}
