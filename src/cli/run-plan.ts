import { TwinwireError } from '../core/errors.ts'
import type { Experiment, Precision } from '../experiment/definition.ts'
import { planSeeds, planUnits } from '../experiment/plan.ts'
import type { WirePlan } from '../experiment/plan.ts'
import { WIRES } from '../experiment/wire-pair.ts'
import type { StackOptions } from '../wires/stack.ts'
import type { TcpNetwork } from '../wires/tcp/host-networks.ts'
import type { RunParameters, WireName } from '../wires/wire.ts'
import { commandLine } from './command-line.ts'
import { planStages } from './stages.ts'
import type { Stage } from './stages.ts'

/** What a command says about runs; what it does not say is the experiment's to say, and then has the defaults below. */
export interface PlanOptions {
  readonly seed: string
  /** In simulation. A number fixes it: seeds are added for precision only where that is asked for beside it. */
  readonly seeds?: number
  /** Whether to run the wires beside simulation. */
  readonly validates: boolean
  /** Of those wires; 0 leaves one out. */
  readonly stackSeeds?: number
  readonly tcpSeeds?: number
  /** What the stack's Noise encrypts with. Default: `real`. */
  readonly stackCipher?: StackOptions['cipher']
  /** What joins real peers. Default: `relay`. */
  readonly tcpNetwork?: TcpNetwork
  /** Half the width of the 95% interval that the experiment's targets are to reach. */
  readonly precision?: number
  /** At most so many in simulation, to reach it. */
  readonly maximumSeeds?: number
  readonly jobs: number
  /** `name=value` each. */
  readonly set: readonly string[]
  /** The folder of one's own experiments, where it was named. */
  readonly experiments?: string
}

export const DEFAULT_REPETITIONS: Readonly<Record<WireName, number>> = {
  sim: 20,
  /** A run of the whole stack takes about a second. */
  stack: 3,
  /** Real runs take real time. */
  tcp: 3
}

/** What is to be run, everything decided. */
export interface RunPlan {
  /** As one would type it: with the defaults spelled out, and without what has no influence on results. */
  readonly command: string
  readonly wires: readonly WirePlan[]
  /** Of `wires`; more may follow for precision. */
  readonly stages: readonly Stage[]
  readonly precision?: Precision
  readonly stackCipher: NonNullable<StackOptions['cipher']>
  readonly tcpNetwork: TcpNetwork
  /** Root of all seeds. */
  readonly seed: string
  readonly jobs: number
}

/**
 * @throws ERR_UNSUPPORTED where none of the wires carries a case of the experiment
 * @throws ERR_INVALID_OPTION for a precision where the experiment names no effects to be precise about, a maximum without a
 * precision, or one below the seeds to begin with
 */
export function planRun (experiment: Experiment, parameters: RunParameters, options: PlanOptions): RunPlan {
  const { seed, jobs, stackCipher = 'real', tcpNetwork = experiment.tcpNetwork ?? 'relay' } = options
  const repetitions = repetitionsOf(experiment, options)
  const wires = WIRES.map(wire => ({ wire, seeds: planSeeds(seed, repetitions[wire]) })).filter(({ seeds }) => seeds.length > 0)
  const units = planUnits(experiment, wires)
  if (units.length === 0) {
    throw new TwinwireError('ERR_UNSUPPORTED', `no case of ${experiment.name} runs on ${wires.map(({ wire }) => wire).join(' or ')}`, {
      path: 'experiment', expected: `validate, with seeds on ${[...new Set(experiment.cases.flatMap(({ wires = WIRES }) => wires))].join(' or ')}`
    })
  }
  const precision = precisionOf(experiment, options, repetitions.sim)
  return {
    command: commandOf(experiment, options, repetitions, precision),
    wires,
    stages: planStages(experiment, parameters, units, { jobs }),
    ...(precision === undefined ? {} : { precision }),
    stackCipher,
    tcpNetwork,
    seed,
    jobs
  }
}

function repetitionsOf ({ repetitions }: Experiment, { seeds, stackSeeds, tcpSeeds, validates }: PlanOptions): Record<WireName, number> {
  const wanted = { ...DEFAULT_REPETITIONS, ...repetitions }
  return {
    sim: seeds ?? wanted.sim,
    stack: validates ? stackSeeds ?? wanted.stack : 0,
    tcp: validates ? tcpSeeds ?? wanted.tcp : 0
  }
}

function precisionOf (experiment: Experiment, { seeds, precision: halfWidth, maximumSeeds }: PlanOptions, simSeeds: number): Precision | undefined {
  const wanted = halfWidth !== undefined || seeds === undefined ? experiment.precision : undefined
  if (wanted === undefined) {
    if (halfWidth !== undefined) {
      throw new TwinwireError('ERR_INVALID_OPTION', 'there is nothing to be precise about', {
        path: '--precision', expected: 'an experiment with precision.targets', found: experiment.name
      })
    }
    if (maximumSeeds !== undefined) {
      throw new TwinwireError('ERR_INVALID_OPTION', 'the number of seeds is fixed', { path: '--maximum-seeds', expected: '--precision beside it', found: String(maximumSeeds) })
    }
    return undefined
  }
  if (maximumSeeds !== undefined && maximumSeeds < simSeeds) {
    throw new TwinwireError('ERR_INVALID_OPTION', 'there are more seeds to begin with', { path: '--maximum-seeds', expected: `${simSeeds} or more`, found: String(maximumSeeds) })
  }
  return { ...wanted, ...(halfWidth === undefined ? {} : { halfWidth }), ...(maximumSeeds === undefined ? {} : { maximumSeeds }) }
}

function commandOf (experiment: Experiment, options: PlanOptions, repetitions: Readonly<Record<WireName, number>>, precision: Precision | undefined): string {
  const { seed, validates, stackCipher = 'real', tcpNetwork = experiment.tcpNetwork ?? 'relay', set, experiments } = options
  const words = ['twinwire', validates ? 'validate' : 'run', experiment.name, '--seed', seed, '--seeds', String(repetitions.sim)]
  if (precision !== undefined) {
    words.push('--precision', String(precision.halfWidth), '--maximum-seeds', String(precision.maximumSeeds))
  }
  if (validates) {
    words.push('--stack-seeds', String(repetitions.stack), '--tcp-seeds', String(repetitions.tcp))
  }
  if (stackCipher !== 'real') {
    words.push('--stack-cipher', stackCipher)
  }
  if (validates && tcpNetwork !== 'relay' || tcpNetwork !== (experiment.tcpNetwork ?? 'relay')) {
    words.push('--tcp-network', tcpNetwork)
  }
  if (experiments !== undefined) {
    words.push('--experiments', experiments)
  }
  for (const setting of set) {
    words.push('--set', setting)
  }
  return commandLine(words)
}
