import type { WireName } from '../experiment/unit.ts'
import type { WirePair } from '../experiment/wire-pair.ts'

/** What a value on a wire is: `242 ms simulated`. */
export const WIRE_WORDS: Readonly<Record<WireName, string>> = { sim: 'simulated', stack: 'stack', tcp: 'real' }

/** A wire as the subject of a sentence. */
export const WIRE_NOUNS: Readonly<Record<WireName, string>> = { sim: 'the simulation', stack: 'the stack', tcp: 'real peers' }

/** Where something was run: `3 seeds on real peers`. */
export const WIRE_PLACES: Readonly<Record<WireName, string>> = { sim: 'in simulation', stack: 'on the stack', tcp: 'on real peers' }

/** What a wire is, for whoever does not know its name. */
export const WIRE_TITLES: Readonly<Record<WireName, string>> = {
  sim: 'Simulation: modelled peers over simulated TCP',
  stack: 'Stack: the whole of js-libp2p over simulated TCP',
  tcp: 'Real: js-libp2p peers over TCP'
}

/** `simulated against stack` */
export function pairName ({ model, reference }: WirePair): string {
  return `${WIRE_WORDS[model]} against ${WIRE_WORDS[reference]}`
}

/** The same where there is little room: `sim / stack` */
export function pairLabel ({ model, reference }: WirePair): string {
  return `${model} / ${reference === 'tcp' ? 'real' : reference}`
}
