import { largestGain } from './largest-gain.ts'
import type { LargestGain } from './largest-gain.ts'
import { MODULE_SUBJECTS, moduleVerdicts } from './module-verdicts.ts'
import type { ModuleSubject, ModuleVerdict } from './module-verdicts.ts'
import type { AgainstRivals } from './rivals.ts'
import { byStrength } from './sentences.ts'
import type { Effect } from './sentences.ts'
import type { SummaryEntry } from './summary-data.ts'

/** An effect, and the experiment that has it. */
export type EntryEffect = Effect & { readonly entry: SummaryEntry }

/** What one experiment says of a module. */
export interface ModuleEntry {
  readonly entry: SummaryEntry
  readonly verdict: ModuleVerdict
}

/** What all experiments together say of a module. */
export interface ModuleTotal {
  readonly subject: ModuleSubject
  readonly entries: readonly ModuleEntry[]
  /** Each against its experiment's own baseline, outside cases where nothing can be gained, and outside sweeps where there is anything else. What two experiments or two arms show is counted twice. */
  readonly goals: readonly EntryEffect[]
  readonly rivalled: readonly AgainstRivals[]
  readonly costs: readonly EntryEffect[]
  readonly withoutGain: readonly EntryEffect[]
  readonly gain?: LargestGain<EntryEffect>
  readonly loss?: EntryEffect
  readonly cost?: EntryEffect
}

/** A total for each module that some experiment has an arm of its own for, and for all five together. */
export function moduleTotals (entries: readonly SummaryEntry[]): ModuleTotal[] {
  const all = entries.flatMap((entry) => moduleVerdicts(entry.results, entry.analysis).map((verdict): ModuleEntry => ({ entry, verdict })))
  return MODULE_SUBJECTS.flatMap((subject) => {
    const own = all.filter(({ verdict }) => verdict.subject === subject)
    return own.length === 0 ? [] : [totalOf(subject, own)]
  })
}

function totalOf (subject: ModuleSubject, entries: readonly ModuleEntry[]): ModuleTotal {
  const effectsOf = (part: 'goals' | 'costs' | 'withoutGain'): EntryEffect[] => entries.flatMap(({ entry, verdict }) => verdict[part].map((effect) => ({ ...effect, entry })))
  const goals = effectsOf('goals')
  const costs = effectsOf('costs')
  const gain = largestGain(goals, ({ entry }) => entry.analysis)
  const [loss, cost] = [goals, costs].map((effects) => byStrength(effects.filter(({ comparison: { verdict } }) => verdict === 'regressed')).at(0))
  return {
    subject,
    entries,
    goals,
    rivalled: entries.flatMap(({ verdict }) => verdict.rivalled),
    costs,
    withoutGain: effectsOf('withoutGain'),
    ...(gain === undefined ? {} : { gain }),
    ...(loss === undefined ? {} : { loss }),
    ...(cost === undefined ? {} : { cost })
  }
}
