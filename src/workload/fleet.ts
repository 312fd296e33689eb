import type { AdaptiveTimeout } from '../core/adaptive-timeout.ts'
import type { Clock } from '../core/clock.ts'
import { sleep, timeoutSignal } from '../core/clock.ts'
import type { OptimizedNetwork, OptimizedNetworkOptions, PeerId } from '../optim/index.ts'
import { keptStreams } from './kept-streams.ts'
import { isRefusal, networkWith } from './modules.ts'
import type { Askable, ModularHost, ModuleName } from './modules.ts'
import { REQUEST_REPLY_PROTOCOL } from './request-reply.ts'
import { racedConnections } from './raced-dials.ts'
import type { RacedDialsOptions } from './raced-dials.ts'
import { onNewStreams, plainLibp2p } from './requester.ts'
import type { Requester } from './requester.ts'

/** One host's way of asking any of several peers; what arms of experiments with many servers differ in. */
export interface Fleet extends AsyncDisposable {
  /** Attempts at requests so far, further ones included, answered or not. */
  readonly attempts: number
  /** The modules, where there are any. */
  readonly network?: OptimizedNetwork
  /**
   * Asks the first of `peers` for a reply; the others may answer as well, and are asked where the way of asking has a reason to.
   *
   * @throws what the last attempt failed with, or the signal's reason
   */
  ask(peers: readonly Askable[], payload: Uint8Array, signal: AbortSignal): Promise<Uint8Array>
}

/** The loop of tries that applications write around plain js-libp2p. */
export interface TriesOptions {
  /** The caller's, ms. */
  readonly deadlineMs: number
  /** In all; default 1. The next one goes to the next peer that may answer. */
  readonly attempts?: number
  /** What an attempt may take, ms, or what says so; default: all of the deadline. */
  readonly attemptMs?: number | AdaptiveTimeout
  /** Between an attempt that failed and the next, ms; default 100. */
  readonly pauseMs?: number
  /**
   * Whether a peer at which an attempt timed out gets a new connection for the next (`force`), unless another request has
   * given it one meanwhile; all later requests use it too, as the newest. Default false: `dial` goes on giving out one that
   * is silently dead.
   */
  readonly redials?: boolean
  /** Told of each attempt that timed out. */
  readonly onTimeout?: (peer: PeerId) => void
}

/** What of a host is needed where there are no modules. */
type PlainHost = Pick<ModularHost, 'node' | 'clock'>

/** Plain js-libp2p: an attempt opens a stream. */
export function plainFleet ({ node, clock }: PlainHost, options: TriesOptions): Fleet {
  const { deadlineMs } = options
  return triesOf(({ id, addresses }) => plainLibp2p({ node, clock, peer: id, addresses, deadlineMs }), { node, clock }, options)
}

export interface KeptFleetOptions extends TriesOptions {
  /** Whether the addresses of a peer that is not connected are raced by hand. Default false: `dial` tries one after the other. */
  readonly races?: boolean
}

/** Plain js-libp2p whose streams to each peer are kept by hand; a redial leaves all of the old connection's behind. */
export function keptFleet ({ node, clock }: PlainHost, { races = false, ...options }: KeptFleetOptions): Fleet {
  return triesOf(peer => keptStreams({ node, addresses: peer.addresses, ...races && { connect: racedConnections({ node, clock }, peer) } }), { node, clock }, options)
}

/** Plain js-libp2p whose addresses of a peer are raced by hand: a request is tried once, on a stream of its own. */
export function racedFleet (host: PlainHost, deadlineMs: number, options: RacedDialsOptions = {}): Fleet {
  return triesOf(peer => onNewStreams(racedConnections(host, peer, options)), host, { deadlineMs })
}

/** What a peer is asked through now, and how often it was dialled anew. */
interface Standing {
  requester: Requester
  redials: number
}

/** @param requesterOf what makes attempts at a peer, a new one behind each redial */
function triesOf (requesterOf: (peer: Askable) => Requester, { node, clock }: PlainHost, { deadlineMs, attempts = 1, attemptMs = deadlineMs, pauseMs = 100, redials = false, onTimeout }: TriesOptions): Fleet {
  const standings = new Map<PeerId, Standing>()
  const standingOf = (peer: Askable): Standing => {
    const standing = standings.get(peer.id) ?? { requester: requesterOf(peer), redials: 0 }
    standings.set(peer.id, standing)
    return standing
  }
  let made = 0
  return {
    get attempts () {
      return made
    },
    async ask (peers, payload, signal) {
      // How often each peer had been dialled anew when a try at it began that timed out.
      const silentSince = new Map<PeerId, number>()
      for (let attempt = 0; ; attempt++) {
        made++
        const startMs = clock.now()
        using limit = timeoutSignal(clock, typeof attemptMs === 'number' ? attemptMs : attemptMs.timeoutMs, signal)
        const peer = peers[attempt % peers.length]
        const { id, addresses } = peer
        const standing = standingOf(peer)
        let redialsBefore = standing.redials
        try {
          // Not where another request has dialled anew since: that connection has not been silent yet.
          if (redials && silentSince.get(id) === redialsBefore) {
            await node.dial([...addresses], { signal: limit.signal, force: true })
            // libp2p joins dials that overlap: of several that end together the first leaves the old connection behind.
            if (standing.redials === redialsBefore) {
              standing.redials++
              // Streams of the old connection that are in use go back to a requester that nobody asks any more.
              standing.requester = requesterOf(peer)
            }
            redialsBefore = standing.redials
          }
          return await standing.requester.request(payload, limit.signal)
        } catch (error) {
          if (limit.timedOut) {
            silentSince.set(id, redialsBefore)
            onTimeout?.(id)
          }
          if (signal.aborted || attempt + 1 === attempts) {
            throw error
          }
        } finally {
          if (typeof attemptMs !== 'number') {
            attemptMs.ended(clock.now() - startMs, limit.signal.aborted)
          }
        }
        await sleep(clock, pauseMs, signal)
      }
    },
    async [Symbol.asyncDispose] () {}
  }
}

/** A requester's one peer; each request is one attempt. */
export function requesterFleet (requester: Requester): Fleet {
  let made = 0
  return {
    get attempts () {
      return made
    },
    async ask (_peers, payload, signal) {
      made++
      return await requester.request(payload, signal)
    },
    async [Symbol.asyncDispose] () {
      await requester[Symbol.asyncDispose]()
    }
  }
}

/**
 * Through these modules, all requests idempotent. A peer that is ejected is passed over where another may answer. All
 * addresses are in the peer store then.
 */
export async function modularFleet (host: ModularHost, peers: readonly Askable[], deadlineMs: number, modules: readonly ModuleName[], options: OptimizedNetworkOptions = {}): Promise<Fleet> {
  await Promise.all(peers.map(async ({ id, addresses }) => { await host.node.peerStore.merge(id, { multiaddrs: [...addresses] }) }))
  const network = networkWith(host, modules, options)
  let asked = 0
  return {
    network,
    get attempts () {
      return network.metrics.timeouts?.attempts ?? asked
    },
    async ask (candidates, payload, signal) {
      for (let index = 0; ; index++) {
        try {
          asked++
          return await network.request(candidates[index].id, REQUEST_REPLY_PROTOCOL, payload, { signal, deadlineMs, idempotent: true })
        } catch (error) {
          const refused = isRefusal(error)
          asked -= refused ? 1 : 0
          if (!refused || index + 1 === candidates.length) {
            throw error
          }
        }
      }
    },
    async [Symbol.asyncDispose] () {
      await network.stop()
    }
  }
}

/** Between a first request that failed and the next. */
const WARM_PAUSE_MS = 100

/**
 * Asks each peer until it has answered once, so that there are connections, however short the deadline. Resolves when all
 * have answered, or after `limitMs`.
 */
export async function warmFleet (fleet: Fleet, clock: Clock, peers: readonly Askable[], payload: Uint8Array, limitMs: number, signal: AbortSignal): Promise<void> {
  using limit = timeoutSignal(clock, limitMs, signal)
  await Promise.all(peers.map(async peer => {
    while (!limit.signal.aborted) {
      try {
        await fleet.ask([peer], payload, limit.signal)
        return
      } catch {
        await sleep(clock, WARM_PAUSE_MS, limit.signal).catch(() => {})
      }
    }
  }))
}
