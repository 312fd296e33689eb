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

/** Pairs by how much they say: the simulation held to real peers says most. */
export const LEADING_PAIRS: readonly WirePair[] = [{ model: 'sim', reference: 'tcp' }, { model: 'stack', reference: 'tcp' }, { model: 'sim', reference: 'stack' }]

/** The wires that a promise of agreement is about. */
export function pairOf ({ model = 'sim', reference = 'tcp' }: AgreementThreshold): WirePair {
  return { model, reference }
}

export function isPair (a: WirePair, b: WirePair): boolean {
  return a.model === b.model && a.reference === b.reference
}

/** Whether a case says that it can run on a wire. */
export function carries (wire: WireName, { wires }: Pick<Case, 'wires'>): boolean {
  return wires?.includes(wire) ?? true
}
