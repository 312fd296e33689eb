import { anything, isOfRealPeers } from '../allowed.ts'
import { CARD_BITS_PER_SECOND } from './layout.ts'
import type { Allowances, Verdict } from '../allowed.ts'
import type { Kernel } from './machine.ts'

const NETWORK = 'a hub between network namespaces'

/** What network namespaces can bring about on a machine with this kernel: all of the simulator's links, and not all of its TCP. */
export function namespacesAllow (kernel: Kernel): Allowances {
  return {
    network: NETWORK,
    scenario: { hosts: anything, paths: anything, topology: anything, faults: anything, limitMs: anything, crossTraffic: list => list.every(({ kind }) => kind === 'poisson' || kind === 'on-off') },
    host: {
      libp2p: anything,
      name: anything,
      role: anything,
      at: anything,
      freshProcess: anything,
      processing: isOfRealPeers,
      addresses: anything,
      tcp (options) {
        const { preset, congestion = 'cubic', ...others } = options ?? { preset: 'linux' }
        return preset === 'linux' && Object.keys(others).length === 0 &&
          (kernel.congestion.has(String(congestion)) || `this machine's kernel has no congestion control ${String(congestion)}`)
      }
    },
    direction: {
      rateBitsPerSecond: rateIsCarried, trace: anything, delayMs: anything, jitter: anything, reorder: anything, loss: anything, corruption: anything, duplication: anything,
      mtuBytes: anything, policer: anything, queue: anything
    },
    faults: {
      'black-hole': anything,
      stall: anything,
      down: anything,
      rate: ({ rateBitsPerSecond }) => rateIsCarried(rateBitsPerSecond),
      reset: () => kernel.resets || 'this machine\'s kernel has no CONFIG_INET_DIAG_DESTROY, by which connections are reset',
      partition: anything,
      freeze: anything
    },
    what: { tcp: 'change this of its TCP', crossTraffic: 'send other traffic than datagrams', processing: 'make a processor slower', process: 'tell hosts of one process apart' }
  }
}

/** Without a rate a path is as fast as what carries it. */
function rateIsCarried (bitsPerSecond: number | undefined): Verdict {
  return bitsPerSecond === undefined || bitsPerSecond <= CARD_BITS_PER_SECOND || `${NETWORK} carries ${CARD_BITS_PER_SECOND / 1e6} Mbit/s at most`
}
