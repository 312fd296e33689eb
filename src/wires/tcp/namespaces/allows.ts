import { anything, isOfRealPeers } from '../allowed.ts'
import type { PathDirection } from '../../scenario-link.ts'
import type { Fault } from '../../scenario.ts'
import type { Allowances, Verdict } from '../allowed.ts'
import type { Kernel } from './machine.ts'

const NETWORK = 'the kernel between namespaces'
/** Below it a full packet takes more than a token bucket's clock can count. */
const MINIMUM_RATE = 1_000

/** What network namespaces can bring about on a machine with this kernel. */
export function namespacesAllow (kernel: Kernel): Allowances {
  const rate = (bitsPerSecond: number | undefined): Verdict => {
    return bitsPerSecond === undefined || (bitsPerSecond < MINIMUM_RATE ? `${NETWORK} has no rate below ${MINIMUM_RATE} bit/s` : has(kernel.tbf, 'queue discipline tbf'))
  }
  return {
    network: NETWORK,
    scenario: { hosts: anything, paths: anything, faults: anything, limitMs: anything, crossTraffic: list => list.length === 0 },
    host: {
      libp2p: anything,
      name: anything,
      role: anything,
      freshProcess: anything,
      processing: isOfRealPeers,
      addresses: anything,
      tcp (options) {
        const { preset, congestion = 'cubic', ...others } = options ?? { preset: 'linux' }
        return preset === 'linux' && Object.keys(others).length === 0 && has(kernel.congestion.has(String(congestion)), `congestion control ${String(congestion)}`)
      }
    },
    direction: {
      rateBitsPerSecond: rate,
      delayMs: delayMs => delayMs === 0 || has(kernel.netem, 'queue discipline netem, which delays packets'),
      jitter: jitter => jitter?.distribution === 'uniform' && has(kernel.netem, 'queue discipline netem, which delays packets'),
      reorder: anything,
      loss: loss => isNone(loss) || ((loss?.model === 'bernoulli' || loss?.model === 'gilbert-elliott') && has(kernel.netem, 'queue discipline netem, which loses packets')),
      corruption: share => share === 0,
      duplication: share => share === 0,
      queue: queue => queue?.discipline === undefined || queue.discipline === 'drop-tail'
    },
    faults: {
      'black-hole': ({ scope }) => scope === 'all',
      down: ({ direction }) => direction === undefined,
      rate: ({ rateBitsPerSecond }: Fault & { readonly kind: 'rate' }) => rate(rateBitsPerSecond),
      reset: () => has(kernel.resets, 'CONFIG_INET_DIAG_DESTROY, by which connections are reset'),
      partition: anything,
      freeze: anything
    },
    what: {
      jitter: 'have this distribution', loss: 'lose packets by this model', tcp: 'change this of its TCP', trace: 'follow a trace', topology: 'join more than two hosts by a link', at: 'join more than two hosts by a link',
      queue: 'have this discipline', crossTraffic: 'send datagrams', processing: 'make a processor slower', process: 'tell hosts of one process apart'
    }
  }
}

function has (there: boolean, what: string): Verdict {
  return there || `this machine's kernel has no ${what}`
}

function isNone (loss: PathDirection['loss']): boolean {
  return loss?.model === 'bernoulli' && loss.probability === 0
}
