import { show, TwinwireError } from '../../core/errors.ts'
import { UNLIMITED_SESSION } from '../../sim/session/options.ts'
import { sessionOptions } from '../libp2p-options.ts'
import type { PathDirection } from '../scenario-link.ts'
import type { Fault, HostDescription, Scenario } from '../scenario.ts'

/**
 * What a relay above TCP can bring about, and for each part of a scenario what of it. A part that is not named is refused,
 * so that no wire says yes to what it would leave out.
 */
const SCENARIO: Allowed<Scenario> = { hosts: anything, paths: anything, faults: anything, limitMs: anything, crossTraffic: list => list.length === 0 }
const HOST: Allowed<HostDescription> = { name: anything, role: anything, libp2p: anything, addresses: anything }
const DIRECTION: Allowed<PathDirection> = {
  rateBitsPerSecond: anything,
  delayMs: anything,
  jitter: anything,
  reorder: reorder => reorder !== true,
  loss: loss => loss?.model === 'bernoulli' && loss.probability === 0,
  corruption: share => share === 0,
  duplication: share => share === 0,
  queue: queue => queue?.discipline === undefined || queue.discipline === 'drop-tail'
}
const FAULT: { readonly [Kind in Fault['kind']]?: (fault: Fault & { readonly kind: Kind }) => boolean } = {
  'black-hole': ({ direction }) => direction === undefined,
  stall: ({ direction }) => direction === undefined,
  rate: ({ direction }) => direction === undefined,
  reset: anything
}

/** What it would have to do instead of passing bytes on, later. */
const WHAT: Readonly<Record<string, string>> = {
  loss: 'lose packets', corruption: 'damage packets', duplication: 'duplicate packets', reorder: 'reorder packets', mtuBytes: 'see packets',
  policer: 'drop packets', queue: 'drop packets', trace: 'deliver packet by packet', topology: 'join more than two hosts by a link',
  crossTraffic: 'send datagrams', tcp: 'change how a kernel does TCP', at: 'join more than two hosts by a link'
}

type Allowed<Part> = { readonly [Key in keyof Part]?: (value: Part[Key]) => boolean }

function anything (): boolean {
  return true
}

/** @throws ERR_UNSUPPORTED for the first part of the scenario that a relay above TCP cannot bring about */
export function checkAllowed (scenario: Scenario): void {
  checkPart(scenario, SCENARIO, 'scenario')
  scenario.hosts.forEach((host, index) => checkPart(host, HOST, `scenario.hosts[${index}]`))
  checkRateOfConnections(scenario)
  scenario.paths.forEach(({ forward, backward }, index) => {
    checkPart(forward, DIRECTION, `scenario.paths[${index}].forward`)
    checkPart(backward ?? {}, DIRECTION, `scenario.paths[${index}].backward`)
  })
  scenario.faults.forEach((fault, index) => {
    const allows = FAULT[fault.kind] as ((fault: Fault) => boolean) | undefined
    if (allows?.(fault) !== true) {
      const way = allows === undefined ? '' : ' one way'
      throw new TwinwireError('ERR_UNSUPPORTED', `a relay above TCP has no ${fault.kind}${way}`, {
        path: `scenario.faults[${index}]`, expected: `${Object.keys(FAULT).join(', ')} of both directions on the tcp wire`, found: show(fault)
      })
    }
  })
}

/** All of loopback is one remote host to libp2p: what one of several others uses up is gone for all. */
function checkRateOfConnections ({ hosts }: Scenario): void {
  hosts.forEach(({ libp2p }, index) => {
    const { inboundConnectionThreshold } = sessionOptions(libp2p).limits
    if (hosts.length > 2 && inboundConnectionThreshold < UNLIMITED_SESSION.limits.inboundConnectionThreshold) {
      throw new TwinwireError('ERR_UNSUPPORTED', 'peers on loopback have one address, and would be counted as one', {
        path: `scenario.hosts[${index}].libp2p.inboundConnectionThreshold`, expected: 'two hosts, or no such limit, on the tcp wire', found: String(inboundConnectionThreshold)
      })
    }
  })
}

function checkPart<Part extends object> (part: Part, allowed: Allowed<Part>, path: string): void {
  for (const [key, value] of Object.entries(part)) {
    const allows = allowed[key as keyof Part] as ((value: unknown) => boolean) | undefined
    if (value !== undefined && allows?.(value) !== true) {
      throw new TwinwireError('ERR_UNSUPPORTED', `a relay above TCP cannot ${WHAT[key] ?? `bring about ${key}`}`, {
        path: `${path}.${key}`, expected: `no ${key}${allows === undefined ? '' : ' of this kind'} on the tcp wire`, found: show(value)
      })
    }
  }
}
