import { anything, isOfRealPeers } from './allowed.ts'
import type { Allowances, Verdict } from './allowed.ts'

/** What a relay above TCP can bring about. */
export const RELAY_ALLOWS: Allowances = {
  network: 'a relay above TCP',
  scenario: { hosts: anything, paths: anything, faults: anything, limitMs: anything, crossTraffic: list => list.length === 0 },
  host: { name: anything, role: anything, process: anything, freshProcess: anything, libp2p: anything, addresses: anything, processing: isOfRealPeers },
  direction: {
    rateBitsPerSecond: anything,
    delayMs: anything,
    jitter: anything,
    reorder: reorder => reorder !== true,
    loss: loss => loss?.model === 'bernoulli' && loss.probability === 0,
    corruption: share => share === 0,
    duplication: share => share === 0,
    queue: queue => queue?.discipline === undefined || queue.discipline === 'drop-tail'
  },
  faults: { 'black-hole': bothWays, stall: bothWays, rate: bothWays, reset: anything, freeze: anything },
  // Instead of passing bytes on, later.
  what: {
    loss: 'lose packets', corruption: 'damage packets', duplication: 'duplicate packets', reorder: 'reorder packets', mtuBytes: 'see packets',
    policer: 'drop packets', queue: 'drop packets', trace: 'deliver packet by packet', topology: 'join more than two hosts by a link',
    crossTraffic: 'send datagrams', tcp: 'change how a kernel does TCP', processing: 'make a processor slower', at: 'join more than two hosts by a link'
  }
}

function bothWays ({ kind, direction }: { readonly kind: string, readonly direction?: 'forward' | undefined }): Verdict {
  return direction === undefined || `a relay above TCP has no ${kind} one way`
}
