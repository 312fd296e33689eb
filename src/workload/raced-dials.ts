import { sleep } from '../core/clock.ts'
import { TwinwireError } from '../core/errors.ts'
import type { Connection, Multiaddr } from '../optim/index.ts'
import { withoutPeer } from '../optim/pool/race.ts'
import type { Askable, ModularHost } from './modules.ts'

/** What an address waits for the one before it, ms: the connection attempt delay of RFC 8305, section 8. */
const HEAD_START_MS = 250

export interface RacedDialsOptions {
  /** Told of each address that is dialled. */
  readonly onAddress?: () => void
}

/**
 * Gives a peer's connection as a careful user of plain js-libp2p may: the one that there is, else the first that one of the
 * peer's addresses gives. These are dialled a quarter of a second apart, or as soon as the one before has failed; the other
 * dials are given up. Who asks meanwhile shares them, and their signal.
 */
export function racedConnections ({ node, clock }: Pick<ModularHost, 'node' | 'clock'>, peer: Askable, options: RacedDialsOptions = {}): (signal: AbortSignal) => Promise<Connection> {
  let racing: Promise<Connection> | undefined
  return async signal => {
    if (node.getConnections(peer.id).length > 0) {
      return await node.dial([...peer.addresses], { signal })
    }
    racing ??= race({ node, clock }, peer, signal, options).finally(() => { racing = undefined })
    return await racing
  }
}

/**
 * libp2p joins dials that name the same peer and tries their addresses one after the other, so that the first address alone
 * names it, and whoever answers at another one is asked who he is.
 *
 * @throws AggregateError where no address answers before the signal
 */
async function race ({ node, clock }: Pick<ModularHost, 'node' | 'clock'>, { id, addresses }: Askable, signal: AbortSignal, { onAddress }: RacedDialsOptions): Promise<Connection> {
  const decided = new AbortController()
  const underWay = AbortSignal.any([signal, decided.signal])
  const dialOne = async (address: Multiaddr): Promise<Connection> => {
    onAddress?.()
    const connection = await node.dial([address], { signal: underWay })
    const error = decided.signal.aborted
      ? new TwinwireError('ERR_ABORTED', 'another address was faster')
      : connection.remotePeer.equals(id) ? undefined : new TwinwireError('ERR_DIAL_FAILED', 'another peer answered')
    if (error !== undefined) {
      connection.abort(error)
      throw error
    }
    decided.abort()
    return connection
  }
  const dialFrom = async (index: number): Promise<Connection> => {
    const own = dialOne(index === 0 ? addresses[0] : withoutPeer(addresses[index], id))
    if (index + 1 === addresses.length) {
      return await own
    }
    const turn = Promise.race([sleep(clock, HEAD_START_MS, underWay), new Promise<void>(resolve => { own.catch(() => resolve()) })])
    return await Promise.any([own, turn.then(async () => await dialFrom(index + 1))])
  }
  return await dialFrom(0)
}
