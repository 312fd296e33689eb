import { show, TwinwireError } from '../../core/errors.ts'
import type { PathDirection } from '../scenario-link.ts'
import type { Fault, HostDescription, Scenario } from '../scenario.ts'

/**
 * Whether a value can be brought about. A text is the reason why not, where there is a better one than that such a
 * network cannot do it: what this machine lacks.
 */
export type Verdict = boolean | string

/** A part that is not named is refused, so that no network says yes to what it would leave out. */
export type Allowed<Part> = { readonly [Key in keyof Part]?: (value: Part[Key]) => Verdict }

/** What one way of joining hosts can bring about, and for each part of a scenario what of it. */
export interface Allowances {
  /** As sentences begin: `a relay above TCP`. */
  readonly network: string
  readonly scenario: Allowed<Scenario>
  readonly host: Allowed<HostDescription>
  readonly direction: Allowed<PathDirection>
  readonly faults: { readonly [Kind in Fault['kind']]?: (fault: Fault & { readonly kind: Kind }) => Verdict }
  /** By the names of parts: what the network would have to do for them, as a verb. */
  readonly what: Readonly<Record<string, string>>
}

export function anything (): true {
  return true
}

/** Real processors take what they take. */
export function isOfRealPeers (processing: HostDescription['processing']): boolean {
  return processing?.ofRealPeers === true
}

/** @throws ERR_UNSUPPORTED for the first part of the scenario that the network cannot bring about */
export function checkAllowed (scenario: Scenario, allowances: Allowances): void {
  checkPart(scenario, allowances.scenario, 'scenario', allowances)
  scenario.hosts.forEach((host, index) => checkPart(host, allowances.host, `scenario.hosts[${index}]`, allowances))
  scenario.paths.forEach(({ forward, backward }, index) => {
    checkPart(forward, allowances.direction, `scenario.paths[${index}].forward`, allowances)
    checkPart(backward ?? {}, allowances.direction, `scenario.paths[${index}].backward`, allowances)
  })
  scenario.faults.forEach((fault, index) => checkFault(fault, `scenario.faults[${index}]`, allowances))
}

function checkPart<Part extends object> (part: Part, allowed: Allowed<Part>, path: string, { network, what }: Allowances): void {
  for (const [key, value] of Object.entries(part)) {
    const allows = allowed[key as keyof Part] as ((value: unknown) => Verdict) | undefined
    const verdict = value === undefined || allows?.(value)
    if (verdict !== true) {
      throw new TwinwireError('ERR_UNSUPPORTED', typeof verdict === 'string' ? verdict : `${network} cannot ${what[key] ?? `bring about ${key}`}`, {
        path: `${path}.${key}`, expected: `no ${key}${allows === undefined ? '' : ' of this kind'} on the tcp wire`, found: show(value)
      })
    }
  }
}

function checkFault (fault: Fault, path: string, { network, faults }: Allowances): void {
  const allows = faults[fault.kind] as ((fault: Fault) => Verdict) | undefined
  const verdict = allows?.(fault)
  if (verdict !== true) {
    const kind = allows === undefined ? fault.kind : `${fault.kind} of this kind`
    throw new TwinwireError('ERR_UNSUPPORTED', typeof verdict === 'string' ? verdict : `${network} has no ${kind}`, {
      path, expected: `${Object.keys(faults).join(', ')} on the tcp wire`, found: show(fault)
    })
  }
}
