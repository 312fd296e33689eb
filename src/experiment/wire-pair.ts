import type { WireName } from '../wires/wire.ts'
import type { AgreementThreshold, Case } from './definition.ts'

/** From the most modelled to the most real: each checks those before it. */
export const WIRES = ['sim', 'stack', 'tcp'] as const satisfies readonly WireName[]

/** A wire that stands in for another, and the one that says whether it may. */
export interface WirePair {
  readonly model: WireName
  readonly reference: WireName
}

/** Every pair of these wires: neighbours first, then those that leave one out. */
export function pairsOf (wires: readonly WireName[]): WirePair[] {
  const ordered = WIRES.filter(wire => wires.includes(wire))
  const pairs: WirePair[] = []
  for (let distance = 1; distance < ordered.length; distance++) {
    for (let i = 0; i + distance < ordered.length; i++) {
      pairs.push({ model: ordered[i], reference: ordered[i + distance] })
    }
  }
  return pairs
}

/** The wires that a promise of agreement is about. */
export function pairOf ({ model = 'sim', reference = 'tcp' }: AgreementThreshold): WirePair {
  return { model, reference }
}

/** Whether a case says that it can run on a wire. */
export function carries (wire: WireName, { wires }: Pick<Case, 'wires'>): boolean {
  return wires?.includes(wire) ?? true
}
