import type { Clock } from '../../core/clock.ts'
import { timeoutSignal } from '../../core/clock.ts'
import type { SimConnection } from './connection.ts'
import { timeoutError } from './errors.ts'
import { IDENTIFY_PROTOCOL } from './identify-message.ts'
import type { SimPeerStore } from './peer-store.ts'

const CLOSE_TIMEOUT_MS = 1_000

/**
 * Closes connections when there are more than `maxConnections`, as libp2p 3.3's connection pruner: those of the least
 * valued peers (by their tags) first, then with the fewest streams, then inbound before outbound, then the newest. A
 * connection with an open stream is spared, though it is one of those chosen: nothing is closed in its place. That a
 * stream's protocol is not agreed on yet does not matter, so that identify, which is run on each new connection, spares it.
 * Answers those chosen, once it is over; undefined where there was no excess.
 */
export async function pruneConnections (clock: Clock, peers: SimPeerStore, connections: SimConnection[], maxConnections: number): Promise<SimConnection[] | undefined> {
  const excess = connections.length - maxConnections
  if (excess <= 0) {
    return undefined
  }
  const values = new Map<string, number>()
  for (const { remotePeer } of connections) {
    const known = await peers.get(remotePeer).catch(() => undefined)
    values.set(remotePeer.toString(), [...known?.tags.values() ?? []].reduce((sum, { value = 0 }) => sum + value, 0))
  }
  const valueOf = ({ remotePeer }: SimConnection): number => values.get(remotePeer.toString()) ?? 0
  const isOutbound = ({ direction }: SimConnection): number => direction === 'outbound' ? 1 : 0
  const chosen = connections.sort((a, b) =>
    valueOf(a) - valueOf(b) || a.streams.length - b.streams.length || isOutbound(a) - isOutbound(b) || b.timeline.open - a.timeline.open
  ).slice(0, excess)
  await Promise.all(chosen.map(async connection => {
    if (connection.streams.some(({ protocol }) => protocol !== IDENTIFY_PROTOCOL)) {
      return
    }
    using limit = timeoutSignal(clock, CLOSE_TIMEOUT_MS, undefined, timeoutError)
    try {
      await connection.close({ signal: limit.signal })
    } catch (error) {
      connection.abort(error as Error)
    }
  }))
  return chosen
}
