import { sleep } from '../core/clock.ts'
import { TwinwireError } from '../core/errors.ts'
import type { Connection } from '../optim/index.ts'
import { withoutPeer } from '../optim/pool/race.ts'
import type { Askable, ModularHost } from './modules.ts'
import { askOn } from './requester.ts'
import type { Requester } from './requester.ts'
import { REQUEST_REPLY_PROTOCOL } from './request-reply.ts'

/** What an address waits for the one before it, ms: the connection attempt delay of RFC 8305, section 8. */
const HEAD_START_MS = 250

export interface RacedDialsOptions {
  /** Told of each address that is dialled. */
  readonly onAddress?: () => void
}

/** Plain js-libp2p by a user who dials a peer's addresses himself, a quarter of a second apart; each request opens a stream. */
export function racedLibp2p (host: Pick<ModularHost, 'node' | 'clock'>, peer: Askable, options: RacedDialsOptions = {}): Requester {
  return {
    async request (payload, signal) {
      const connection = host.node.getConnections(peer.id).at(0) ?? await racedDial(host, peer, signal, options)
      return await askOn(await connection.newStream(REQUEST_REPLY_PROTOCOL, { signal }), payload, signal)
    },
    async [Symbol.asyncDispose] () {}
  }
}

/**
 * The first connection that one of a peer's addresses gives; the other dials are given up. libp2p joins dials that name the
 * same peer and tries their addresses one after the other, so that the first address alone names it, and whoever answers at
 * another one is asked who he is.
 *
 * @throws AggregateError where no address answers before the signal
 */
async function racedDial ({ node, clock }: Pick<ModularHost, 'node' | 'clock'>, { id, addresses }: Askable, signal: AbortSignal, { onAddress }: RacedDialsOptions): Promise<Connection> {
  const decided = new AbortController()
  const underWay = AbortSignal.any([signal, decided.signal])
  try {
    return await Promise.any(addresses.map(async (address, index) => {
      await sleep(clock, index * HEAD_START_MS, underWay)
      onAddress?.()
      const connection = await node.dial([index === 0 ? address : withoutPeer(address, id)], { signal: underWay })
      if (!connection.remotePeer.equals(id)) {
        const stranger = new TwinwireError('ERR_DIAL_FAILED', 'another peer answered')
        connection.abort(stranger)
        throw stranger
      }
      return connection
    }))
  } finally {
    decided.abort()
  }
}
