import { MODULES } from '../experiment/definition.ts'
import type { ModuleName } from '../experiment/definition.ts'
import type { ResultsData } from '../results/data.ts'
import type { Analysis } from './analysis.ts'
import { countedEffects, countedParts } from './counted.ts'
import type { CountedParts } from './counted.ts'
import { largestGain } from './largest-gain.ts'
import type { LargestGain } from './largest-gain.ts'
import { againstRivals } from './rivals.ts'
import type { AgainstRivals } from './rivals.ts'
import { effectsOf, leadingFindings } from './sentences.ts'

/** A module alone, or all five together. */
export type ModuleSubject = ModuleName | 'fullStack'

export const MODULE_TITLES: Readonly<Record<ModuleSubject, string>> = {
  connectionPool: 'Connection pool',
  messageBatching: 'Message batching',
  bandwidthManager: 'Bandwidth manager',
  adaptiveTimeouts: 'Adaptive timeouts',
  networkHealth: 'Network health monitor',
  fullStack: 'Full stack'
}

/** In the order in which they are told. */
export const MODULE_SUBJECTS: readonly ModuleSubject[] = [...MODULES, 'fullStack']

/** Everything that the leading wires say of a module and that counts: of the arms that switch on it and nothing else. */
export interface ModuleVerdict extends CountedParts {
  readonly subject: ModuleSubject
  /** Among its goals; absent where none improved. */
  readonly largestGain?: LargestGain
  /** Of those of its goals that it was held to rivals in, too. */
  readonly rivalled: readonly AgainstRivals[]
}

/** A verdict on each module that has an arm of its own with something to compare, and on the full stack. */
export function moduleVerdicts (results: Pick<ResultsData, 'run'>, analysis: Analysis): ModuleVerdict[] {
  const effects = countedEffects(effectsOf(leadingFindings(results, analysis)))
  return MODULE_SUBJECTS.flatMap((subject) => {
    const own = effects.filter(({ arm: { arm: { modules } } }) => subject === 'fullStack' ? modules?.length === MODULES.length : modules?.length === 1 && modules[0] === subject)
    if (own.length === 0) {
      return []
    }
    const parts = countedParts(own)
    const largest = largestGain(parts.goals, () => analysis)
    return [{ subject, ...parts, rivalled: parts.goals.flatMap(effect => againstRivals(effect, analysis) ?? []), ...(largest === undefined ? {} : { largestGain: largest }) }]
  })
}
