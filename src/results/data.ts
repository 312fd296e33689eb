import type { Case, Experiment, Precision } from '../experiment/definition.ts'
import { armsOnWire, isPlanned } from '../experiment/plan.ts'
import type { WirePlan } from '../experiment/plan.ts'
import type { RunParameters, UnitError, UnitKey, UnitResult, WireName } from '../experiment/unit.ts'
import { carries, WIRES } from '../experiment/wire-pair.ts'

/** A case as plain data: what a report needs of it. */
export type CaseDescription = Pick<Case, 'name' | 'title' | 'description' | 'arms' | 'realArms' | 'wires' | 'metrics' | 'sweep' | 'noGain' | 'warmUpMs'>

/** An experiment as plain data, so that its report can be made again without its code. */
export interface ExperimentDescription extends Pick<Experiment,
  'name' | 'title' | 'question' | 'expected' | 'arms' | 'subject' | 'thresholds' | 'agreement' | 'promises' | 'sweeps' | 'precision'> {
  readonly cases: readonly CaseDescription[]
}

export interface Machine {
  readonly cpu: string
  readonly cores: number
  readonly memoryBytes: number
  /** Name, release and architecture. */
  readonly os: string
}

/** All that is recorded of a run beside its measurements. Times are ISO 8601 and come from the caller. */
export interface RunDescription {
  /** As typed; a reader reproduces the run with it. */
  readonly command: string
  readonly experiment: ExperimentDescription
  /** `definitionHash` of the experiment that ran; absent in results that are older than this field. */
  readonly definition?: string
  readonly parameters: RunParameters
  /** Names of those that are not at their defaults. Absent: none. */
  readonly changedParameters?: readonly string[]
  readonly plan: readonly WirePlan[]
  /** The arms of a seed and a case began on real peers in an order drawn from the seed. Absent where there were none, and in older results. */
  readonly armOrder?: 'drawn'
  /** What decided about the number of simulated seeds, where it was not fixed beforehand. */
  readonly precision?: Precision
  /** By name: `node`, `libp2p`, `twinwire`. */
  readonly versions: Readonly<Record<string, string>>
  /** Absent outside a checkout. */
  readonly git?: { readonly commit: string, readonly dirty: boolean }
  readonly machine: Machine
  readonly startedAt: string
  /**
   * Real time from the begin of its first run to the end of its last one, part by part where it was played in parts, s: less
   * than from start to finish where other experiments had the machine in between, and shared with those whose real runs went
   * beside its own. Absent in results that are older than this field.
   */
  readonly tookSeconds?: number
  readonly finishedAt: string
}

/** How long it took, s. */
export function tookSecondsOf ({ startedAt, tookSeconds, finishedAt }: RunDescription): number {
  return tookSeconds ?? (Date.parse(finishedAt) - Date.parse(startedAt)) / 1000
}

/** Everything a report is made from. */
export interface ResultsData {
  readonly run: RunDescription
  /** In any order; at most one for a key. Runs that were planned and are missing make the results partial. */
  readonly units: readonly UnitResult[]
}

/** Results as far as they say which runs there were to be, and which there were. */
export interface PlannedResults extends Pick<ResultsData, 'units'> {
  readonly run: Pick<RunDescription, 'experiment' | 'plan'>
}

/** The plain part of an experiment. */
export function describeExperiment ({ name, title, question, expected, arms, subject, cases, thresholds, agreement, promises, sweeps, precision }: Experiment): ExperimentDescription {
  return structuredClone(defined({
    name, title, question, expected, arms, subject, cases: cases.map(describeCase), thresholds, agreement, promises, sweeps, precision
  }))
}

function describeCase ({ name, title, description, arms, realArms, wires, metrics, sweep, noGain, warmUpMs }: Case): CaseDescription {
  return defined({ name, title, description, arms, realArms, wires, metrics, sweep, noGain, warmUpMs })
}

/** Without the fields that are undefined, which JSON would lose. */
function defined<T extends object> (fields: { [K in keyof T]: T[K] | undefined }): T {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as T
}

/** The wires that have runs in the plan, perhaps of one case, from the most modelled to the most real. */
export function wiresOf ({ run }: Pick<ResultsData, 'run'>, caseName?: string): WireName[] {
  const theCase = run.experiment.cases.find(({ name }) => name === caseName) ?? {}
  return WIRES.filter((wire) => carries(wire, theCase) && run.plan.some((plan) => plan.wire === wire && plan.seeds.length > 0))
}

/** The seeds of a wire in the plan, perhaps of one case, in its order. */
export function seedsOf ({ run }: Pick<ResultsData, 'run'>, wire: WireName, caseName?: string): string[] {
  return run.plan.flatMap((part) => part.wire === wire && (caseName === undefined || (part.cases?.includes(caseName) ?? true)) ? part.seeds : [])
}

/** A run that gave no result, or a result and an error. */
export interface Hole extends UnitKey, UnitError {}

/** Runs that failed or never ran, in the plan's order; none means that the results are complete. */
export function holes ({ run, units }: PlannedResults): Hole[] {
  const found = new Map(units.map((unit) => [unitId(unit), unit]))
  const missing: Hole[] = []
  for (const { seeds, ...part } of run.plan) {
    const { wire } = part
    for (const theCase of run.experiment.cases.filter((theCase) => isPlanned(part, theCase))) {
      for (const arm of armsOnWire(theCase, run.experiment, wire)) {
        for (const seed of seeds) {
          const key = { wire, case: theCase.name, arm, seed }
          const unit = found.get(unitId(key))
          if (unit === undefined) {
            missing.push({ ...key, code: 'ERR_RESULTS_INCOMPLETE', message: 'the run has no result' })
          } else if (unit.error !== undefined) {
            missing.push({ ...key, ...unit.error })
          }
        }
      }
    }
  }
  return missing
}

/** One text a run, equal exactly where all four parts are. */
export function unitId ({ wire, case: caseName, arm, seed }: UnitKey): string {
  return JSON.stringify([wire, caseName, arm, seed])
}

/** Orders by wire, case, arm and seed. */
export function compareUnits (a: UnitKey, b: UnitKey): number {
  return compareText(a.wire, b.wire) || compareText(a.case, b.case) || compareText(a.arm, b.arm) || compareSeeds(a.seed, b.seed)
}

/** A shorter number is a smaller one, and so it is for numbers behind one prefix. */
function compareSeeds (a: string, b: string): number {
  return (a.length - b.length) || compareText(a, b)
}

/** By code unit: the same on every machine, whatever its locale. */
export function compareText (a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
