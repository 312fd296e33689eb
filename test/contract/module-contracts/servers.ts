import { sleep } from '../../../src/core/clock.ts'
import { serveRequests } from '../../../src/optim/index.ts'
import { startNetwork } from './rig.ts'
import type { OptimizedNetworkOptions, Responder } from '../../../src/optim/index.ts'
import type { Host, Role } from '../../../src/wires/wire.ts'

/** Answers with what it was asked. */
export const ECHO = '/contract/echo/1.0.0'
/** Answers after as many milliseconds as the payload says in decimal digits. */
export const LATE = '/contract/late/1.0.0'
/** Fails. */
export const FAILS = '/contract/fails/1.0.0'
/** Served by nobody. */
export const NOBODY = '/contract/nobody/1.0.0'
/** Takes what comes, and says nothing. */
export const SINK = '/contract/sink/1.0.0'
/** How often each payload reached its handler: a record of counts by text. */
export const CALLS = '/contract/calls/1.0.0'

export type Calls = Readonly<Record<string, number>>

type Handlers = Readonly<Record<string, Responder>>

/** What a server does for the protocols above, and what it was called with. */
export function standardHandlers ({ clock }: Host): Handlers {
  const calls: Record<string, number> = {}
  const counted = (respond: Responder): Responder => (payload, context) => {
    // Of what is long, the beginning.
    const text = Buffer.from(payload.subarray(0, 32)).toString()
    calls[text] = (calls[text] ?? 0) + 1
    return respond(payload, context)
  }
  return {
    [ECHO]: counted(payload => payload),
    [LATE]: counted(async payload => {
      await sleep(clock, Number.parseFloat(Buffer.from(payload).toString()))
      return payload
    }),
    [FAILS]: counted(() => {
      throw new Error('as asked')
    }),
    [SINK]: counted(() => undefined),
    [CALLS]: () => new TextEncoder().encode(JSON.stringify(calls))
  }
}

const MANY_STREAMS = { maxInboundStreams: 1_000 }

/** A peer without any of the modules. */
export function plainServer (handlersOf: (host: Host) => Handlers = standardHandlers): Role {
  return {
    setUp: async host => {
      for (const [protocol, respond] of Object.entries(handlersOf(host))) {
        await host.node.handle(protocol, async stream => await serveRequests(stream, respond), MANY_STREAMS)
      }
    }
  }
}

/** A peer that serves by a network of its own. What is asked for with `reportOf` is served on plain streams, too. */
export function networkServer (options: OptimizedNetworkOptions, handlersOf: (host: Host) => Handlers = standardHandlers): Role {
  return {
    setUp: async host => {
      const { network } = await startNetwork(host, options)
      for (const [protocol, respond] of Object.entries(handlersOf(host))) {
        await network.handle(protocol, respond, MANY_STREAMS)
      }
    }
  }
}
