import { runBulk, summarizeBulk } from '../../src/path/bulk.ts'
import { runConnect, summarizeConnect } from '../../src/path/connect.ts'
import { runFct, summarizeFct } from '../../src/path/fct.ts'
import { Path, repetitionStream } from '../../src/path/path.ts'
import { runPair, summarizePair } from '../../src/path/pair.ts'
import { deviation } from '../../src/path/summary.ts'
import type { Row } from '../../src/path/summary.ts'
import { runSession, summarizeSessions } from './libp2p.ts'
import type { Task } from './task.ts'

/** What the model gives for one row. */
export interface Modelled {
  /** By the reference's names; for connect with `sd_ms_attempt<n>` as well. */
  readonly row: Row
  /** What went wrong instead. */
  readonly error?: string
}

const BULK_S = 30
const PAIR_S = 40
/** Of connect, those that the reference has a column of its own for. */
const ATTEMPTS = 4
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
  async fct ({ path, congestion: [congestion], sizeBytes, repetitions }) {
    const fct = { congestion, sizeBytes }
    return summarizeFct(path, fct, await repeat(repetitions, async repetition => await runFct(path, fct, repetition)))
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
