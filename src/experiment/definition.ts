import type * as z from 'zod'
import type { RandomStream } from '../core/random.ts'
import type { RunParameters, WireName } from '../wires/wire.ts'
import type { ScenarioInput } from '../wires/scenario.ts'

export type { SampleEvent } from '../workload/measure.ts'

/**
 * An experiment is a question asked as data. Its module exports `experiment` (this) and `roles` (what hosts do); hosts
 * record `sample` events, and everything in the report is derived from those.
 */
export interface Experiment {
  /** Also its file's name: lower-case words joined by dashes. */
  readonly name: string
  readonly title: string
  readonly question: string
  /** What the authors expected to see, written down before it was measured. */
  readonly expected: string
  /** Everything `--set` can change. Flat; each field has a default and a description with its unit. */
  readonly parameters: z.ZodObject
  /** What is compared. The first is the baseline of every comparison unless a metric names another. */
  readonly arms: readonly Arm[]
  /** The conditions under which the arms are compared, each with metrics of its own. */
  readonly cases: readonly Case[]
  readonly thresholds: readonly Threshold[]
  /** How far simulation may be from real peers; absent: nothing is promised. */
  readonly agreement?: readonly AgreementThreshold[]
}

export interface Arm {
  readonly name: string
  readonly title: string
  readonly description: string
}

export interface Case {
  readonly name: string
  readonly title: string
  readonly description: string
  /** All arms of one seed get the same scenario: `random` is forked from the seed and the case, not the arm. */
  scenario(parameters: RunParameters, random: RandomStream): ScenarioInput
  readonly metrics: readonly Metric[]
  /** The arms that take part; absent: all. */
  readonly arms?: readonly string[]
  /** The wires that can bring its scenario about; absent: all. On others it is left out, which makes no results partial. */
  readonly wires?: readonly WireName[]
  /** True where a run on real peers mostly waits, so that several can share the machine without disturbing each other. */
  readonly waits: boolean
}

/** How the samples of one run become one number; runs, not samples, are what intervals are made over. */
export type Statistic = 'mean' | 'p50' | 'p90' | 'p99' | 'maximum' | 'failed-share'

export interface Metric {
  /** Unique within its case; the `metric` of the samples is `sample`. */
  readonly name: string
  readonly title: string
  /** The samples it is made of. */
  readonly sample: string
  readonly statistic: Statistic
  readonly unit: 'ms' | 'share' | 'count' | 'bytes' | 'bit/s'
  readonly better: 'lower' | 'higher'
  /** The arm that the others are compared with; absent: the experiment's first. */
  readonly baseline?: string
  /** True for what the wires differ in by design (real peers compute, simulated ones do not): it is left out of their agreement. */
  readonly wireSpecific?: boolean
  /** The smallest relative change that a reader should care about: 0.05 is 5%. */
  readonly minimumEffect: number
}

/** A promise that is checked wherever its wire is run: the exit code is 1 where one does not hold. */
export interface Threshold {
  readonly case: string
  readonly metric: string
  readonly arm: string
  /** The wire that it is about; absent: `sim`. */
  readonly wire?: WireName
  /** Compared with the median over the wire's runs. */
  readonly limit: number
  readonly direction: 'at-most' | 'at-least'
}

/**
 * A promise about a wire that stands in for another, as the simulation does for real peers: that both take the same. It
 * is checked wherever both are run, over the seeds that ran well on both; the exit code is 1 where one does not hold.
 */
export interface AgreementThreshold {
  readonly case: string
  /** Its unit is `ms`. */
  readonly metric: string
  readonly arm: string
  /** The wire that is judged; absent: `sim`. */
  readonly model?: WireName
  /** The wire that it is held to; absent: `tcp`. */
  readonly reference?: WireName
  /** How far the median over the model's runs may be from the median over the reference's, either way. */
  readonly limitMs: number
}
