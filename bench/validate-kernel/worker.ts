import { runBulk, summarizeBulk } from '../../src/path/bulk.ts'
import { runConnect, summarizeConnect } from '../../src/path/connect.ts'
import { runFct, summarizeFct } from '../../src/path/fct.ts'
import { Path, repetitionStream } from '../../src/path/path.ts'
import { runPair, summarizePair } from '../../src/path/pair.ts'
import { deviation } from '../../src/path/summary.ts'
import type { Row } from '../../src/path/summary.ts'
import { quantile } from '../../src/stats/quantile.ts'
import { runSession, summarizeSessions } from './libp2p.ts'
import type { Task } from './task.ts'

/** What the model gives for one row. */
export interface Modelled {
  /** By the reference's names, and what belongs to its judgement: `sd_ms_attempt<n>`, `p90_ms_low` and so on. */
  readonly row: Row
  /** What went wrong instead. */
  readonly error?: string
}

const BULK_S = 30
const PAIR_S = 40
/** Of connect, those that the reference has a column of its own for. */
const ATTEMPTS = 4
const NORMAL_975 = 1.96
/** Of 10 MB, in the first sessions of a row. */
const TRANSFERS = 20

/** What the threads of the pool run. */
export default async function measure (task: Task): Promise<Modelled> {
  try {
    return { row: await rowOf(task) }
  } catch (error) {
    return { row: {}, error: error instanceof Error ? error.message : String(error) }
  }
}

async function rowOf (task: Task): Promise<Row> {
  return await MEASUREMENTS[task.kind](task)
}

const MEASUREMENTS: Readonly<Record<Task['kind'], (task: Task) => Promise<Row>>> = {
  async bulk ({ path, congestion: [congestion], repetitions }) {
    const bulk = { congestion, durationS: BULK_S }
    return summarizeBulk(path, bulk, await repeat(repetitions, async repetition => await runBulk(path, bulk, repetition)))
  },
  async fct ({ path, congestion: [congestion], sizeBytes, repetitions, reference }) {
    const fct = { congestion, sizeBytes }
    const runs = await repeat(repetitions, async repetition => await runFct(path, fct, repetition))
    const times = runs.filter(run => run !== undefined).map(({ completionMs }) => completionMs)
    return { ...summarizeFct(path, fct, runs), ...sampledPercentiles(times, Number(reference.n)) }
  },
  async connect ({ path, congestion: [congestion], repetitions }) {
    const runs = await repeat(repetitions, async repetition => await runConnect(path, congestion, repetition))
    const row = summarizeConnect(path, runs)
    for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
      row[`sd_ms_attempt${attempt}`] = deviation(runs.filter(run => run?.attempts === attempt).map(run => run?.connectMs ?? NaN))
    }
    return row
  },
  async pair ({ path, congestion: [a, b], repetitions }) {
    const pair = { congestion: [a, b] as const, durationS: PAIR_S }
    return summarizePair(path, pair, await repeat(repetitions, async repetition => await runPair(path, pair, repetition)))
  },
  async libp2p ({ path, congestion, repetitions }) {
    return summarizeSessions(await repeat(repetitions, async repetition => {
      const random = repetitionStream(path, repetition)
      return await runSession(new Path(path, congestion, random), random, repetition < TRANSFERS)
    }))
  }
}

async function repeat<Run> (count: number, run: (repetition: number) => Promise<Run>): Promise<Run[]> {
  const runs: Run[] = []
  for (let repetition = 0; repetition < count; repetition++) {
    runs.push(await run(repetition))
  }
  return runs
}

/**
 * `p50_ms_low` to `p50_ms_high`, and so for p90: where the percentile of `count` times would be in 95% of cases, if they
 * were the model's. Where the distribution has a cliff near the percentile these are far apart.
 */
function sampledPercentiles (times: readonly number[], count: number): Row {
  const row: Row = {}
  for (const probability of times.length === 0 ? [] : [0.5, 0.9]) {
    const half = NORMAL_975 * Math.sqrt(probability * (1 - probability) / count)
    row[`p${probability * 100}_ms_low`] = quantile(times, Math.max(0, probability - half))
    row[`p${probability * 100}_ms_high`] = quantile(times, Math.min(1, probability + half))
  }
  return row
}
