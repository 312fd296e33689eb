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
  /**
   * The arm that the question is about, and with it the answer in one sentence. Absent: the arm with all five modules, else
   * the only one with any. Where there is none such either, the sentence is about the arm that improved most, and says so.
   */
  readonly subject?: string
  /** The conditions under which the arms are compared, each with metrics of its own. */
  readonly cases: readonly Case[]
  readonly thresholds: readonly Threshold[]
  /** How far simulation may be from real peers; absent: nothing is promised. */
  readonly agreement?: readonly AgreementThreshold[]
  /** What somebody promised of the optimisations, held to the measurements. It changes no exit code: a promise that is not met is a finding. */
  readonly promises?: readonly Claim[]
  /** Series of cases along one or two quantities; each case names its own by `sweep`. */
  readonly sweeps?: readonly Sweep[]
  /** How often it is run where a command does not say; absent: 20 in simulation, 3 on the stack, 3 on real peers. */
  readonly repetitions?: Repetitions
  /** How precisely effects are wanted: simulations go on until they are, or `maximumSeeds` is reached. Absent: a fixed number. */
  readonly precision?: Precision
  /** What joins real peers where a command does not say. Absent: `relay`. */
  readonly tcpNetwork?: 'relay' | 'namespaces'
}

/** The five modules, by the names of `createOptimizedNetwork`'s options. */
export const MODULES = ['connectionPool', 'messageBatching', 'bandwidthManager', 'adaptiveTimeouts', 'networkHealth'] as const
/** One of the five modules. */
export type ModuleName = typeof MODULES[number]

/** One way to do it: what the experiment compares. Its name reaches the roles as the parameter `arm`. */
export interface Arm {
  readonly name: string
  readonly title: string
  readonly description: string
  /**
   * The modules that this arm switches on and the baseline does not: of an arm with one the verdicts are that module's, of
   * an arm with all five the full stack's. Absent: it is about something else.
   */
  readonly modules?: readonly ModuleName[]
}

/** How many seeds each wire gets. 0 leaves a wire out. */
export interface Repetitions {
  readonly sim?: number
  readonly stack?: number
  readonly tcp?: number
}

/**
 * Sequential stopping, in simulation: after the planned seeds the run goes on, some seeds at a time, while any target's
 * interval is wider than wanted. A report says that the number of seeds was found in this way.
 */
export interface Precision {
  /** Half the width of the 95% interval of the relative effect: 0.05 is five points. */
  readonly halfWidth: number
  /** At most so many. */
  readonly maximumSeeds: number
  /** The effects that have to be as precise. */
  readonly targets: ReadonlyArray<{ readonly case: string, readonly metric: string, readonly arm: string }>
}

/** Cases that differ in one or two quantities, to be drawn along them. */
export interface Sweep {
  /** Unique within the experiment. */
  readonly name: string
  readonly title: string
  readonly description: string
  /** One or two; the first lies along the horizontal axis. */
  readonly factors: readonly Factor[]
}

/** What a sweep varies. */
export interface Factor {
  /** Unique within its sweep. */
  readonly name: string
  readonly title: string
  readonly unit: Unit
  /** Absent: `linear`. */
  readonly scale?: 'linear' | 'log'
}

/**
 * A promise that somebody made of the optimisations, as one thing that can be measured. A promise that can be read in
 * several ways has a claim for each reading, all with the same `promise`.
 *
 * It is met where the whole interval lies at the target or beyond, partly met where the arm improved and the interval does
 * not reach it, not met where the arm did not improve or, where a gain was promised, is worse for certain, and open where the interval holds the target or says nothing yet, or
 * where so many samples failed that what would be compared is a bound, and the least that follows from it is not enough.
 * Of a baseline of zero nothing can be taken away: a change to less is not met there.
 */
export interface Claim {
  /** The promise as it was made: `connection set-up 10 times faster (500 to 50 ms)`. */
  readonly promise: string
  /** What of it is measured here: `first request where the first address is dead, p99`. */
  readonly reading: string
  readonly case: string
  readonly metric: string
  readonly arm: string
  /** Absent: the most modelled wire that ran. */
  readonly wire?: WireName
  /** A relative change against the baseline (-0.9: a tenth is left), or a value that the arm's mean reaches. */
  readonly target: { readonly change: number } | { readonly value: number }
}

/** One situation that the arms are compared in: a scenario, and what is measured in it. */
export interface Case {
  readonly name: string
  readonly title: string
  readonly description: string
  /** All arms of one seed get the same scenario: `random` is forked from the seed and the case, not the arm. */
  scenario(parameters: RunParameters, random: RandomStream): ScenarioInput
  readonly metrics: readonly Metric[]
  /** The arms that take part; absent: all. */
  readonly arms?: readonly string[]
  /** Of these, the arms that real peers have as well, where the machine cannot carry all or has no time for them; absent: all. The others count as no missing results. */
  readonly realArms?: readonly string[]
  /** The wires that can bring its scenario about; absent: all. On others it is left out, which makes no results partial. */
  readonly wires?: readonly WireName[]
  /**
   * Processors that a run on real peers keeps busy on average; 0.05 where it mostly waits. Such runs share the machine, as
   * many as keep seven tenths of its processors busy. Absent: each has the machine alone.
   */
  readonly busyProcessors?: number
  /** Its place in one of the experiment's sweeps: a level for each factor. */
  readonly sweep?: { readonly name: string, readonly levels: Readonly<Record<string, number>> }
  /** The modules that can gain nothing here: the case is there to show what they cost. */
  readonly noGain?: readonly ModuleName[]
  /**
   * Samples that were complete before this are left out of every statistic, for the network had not settled; milliseconds,
   * or `mser-5`: as many as that rule finds (White 1997), the same for all arms, seeds and wires. Absent: none.
   */
  readonly warmUpMs?: number | 'mser-5'
}

/** How the samples of one run become one number; runs, not samples, are what intervals are made over. */
export type Statistic = 'mean' | 'p50' | 'p90' | 'p95' | 'p99' | 'maximum' | 'failed-share'

/** What a metric's values are in; a report shows them in a multiple that suits their size. */
export type Unit = 'ms' | 'share' | 'count' | 'bytes' | 'bit/s'

/** One number a run, made of its samples of one kind. */
export interface Metric {
  /** Unique within its case; the `metric` of the samples is `sample`. */
  readonly name: string
  readonly title: string
  /** The samples it is made of. */
  readonly sample: string
  readonly statistic: Statistic
  readonly unit: Unit
  readonly better: 'lower' | 'higher'
  /** The arm that the others are compared with; absent: the experiment's first. */
  readonly baseline?: string
  /**
   * `cost`: what is paid for the gains (attempts, bytes, memory, delay added): it stands beside them and is not counted among
   * them. Absent: `goal`.
   */
  readonly role?: 'goal' | 'cost'
  /** True for what the wires differ in by design (real peers compute, simulated ones do not): it is left out of their agreement. */
  readonly wireSpecific?: boolean
  /** The smallest relative change that a reader should care about: 0.05 is 5%. */
  readonly minimumEffect: number
}

/**
 * A promise that is checked wherever its wire is run with the parameters at their defaults, which its limit is derived from:
 * the exit code is 1 where one does not hold.
 */
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
 * is checked wherever both are run with the parameters at their defaults, over the seeds that ran well on both; the exit
 * code is 1 where one does not hold.
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
