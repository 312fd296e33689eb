import { runBulk, summarizeBulk } from '../../src/path/bulk.ts'
import type { BulkOptions } from '../../src/path/bulk.ts'
import { runFct, summarizeFct } from '../../src/path/fct.ts'
import type { FctOptions } from '../../src/path/fct.ts'
import { runFluidBulk, runFluidFct } from '../../src/path/fluid.ts'
import { pathOptions } from '../../src/path/options.ts'
import type { PathLoss, PathOptions } from '../../src/path/options.ts'
import type { Row } from '../../src/path/summary.ts'
import type { CongestionName } from '../../src/path/tcp.ts'
import { compareBothLevels } from './figures.ts'
import type { Figure } from './figures.ts'

const CONTROLLERS: readonly CongestionName[] = ['reno', 'cubic', 'bbr']
const CHAIN: PathLoss = { model: 'gilbert-elliott', p: 0.005, r: 0.25, lossGood: 0, lossBad: 0.5 }
const BULK_S = 30
// Where chance decides, enough for a mean that it does not.
const CLEAN_TRANSFERS = 1
const LOSSY_TRANSFERS = 3
const CLEAN_EXCHANGES = 3
const LOSSY_EXCHANGES = 100
const LOSSY_LARGE_EXCHANGES = 20
const LARGE_BYTES = 5e6

/** Goodput of transfers that never end, alone on a path: rate x RTT x loss x controller, and the buffer without loss. */
export async function bulkFigures (report: (figures: readonly Figure[]) => void): Promise<void> {
  for (const congestion of CONTROLLERS) {
    for (const rateMbit of [10, 50]) {
      for (const rttMs of [20, 80, 200]) {
        for (const bufferBdp of [0.25, 1, 4]) {
          report(await bulk(congestion, pathOf(rateMbit, rttMs, noLoss, bufferBdp), CLEAN_TRANSFERS))
        }
        for (const loss of [bernoulli(0.001), bernoulli(0.01), bernoulli(0.03), CHAIN]) {
          report(await bulk(congestion, pathOf(rateMbit, rttMs, loss), LOSSY_TRANSFERS))
        }
      }
    }
  }
}

/** Flow completion times, alone on a path: size x rate x RTT x loss x controller. */
export async function fctFigures (report: (figures: readonly Figure[]) => void): Promise<void> {
  for (const congestion of CONTROLLERS) {
    for (const sizeBytes of [1e4, 1e5, 1e6, 1e7]) {
      for (const rateMbit of [10, 50]) {
        for (const rttMs of [20, 200]) {
          report(await fct({ congestion, sizeBytes }, pathOf(rateMbit, rttMs, noLoss), CLEAN_EXCHANGES))
          for (const probability of [0.001, 0.01]) {
            report(await fct({ congestion, sizeBytes }, pathOf(rateMbit, rttMs, bernoulli(probability)), sizeBytes > LARGE_BYTES ? LOSSY_LARGE_EXCHANGES : LOSSY_EXCHANGES))
          }
        }
      }
    }
  }
}

const noLoss = bernoulli(0)

function bernoulli (probability: number): PathLoss {
  return { model: 'bernoulli', probability }
}

function pathOf (rateMbit: number, rttMs: number, loss: PathLoss, bufferBdp = 1): PathOptions {
  return pathOptions({ rateBitsPerSecond: rateMbit * 1e6, rttMs, loss, lossDirection: 'forward', bufferBdp, seed: 'validate:fluid' })
}

async function bulk (congestion: CongestionName, path: PathOptions, transfers: number): Promise<Figure[]> {
  const options: BulkOptions = { congestion, durationS: BULK_S }
  const rowBy = (run: typeof runBulk): () => Promise<Row> => async () => summarizeBulk(path, options, await repeat(transfers, async repetition => await run(path, options, repetition)))
  const clean = isClean(path)
  const cost = await compareBothLevels(rowBy(runBulk), rowBy(runFluidBulk))
  const label = `${labelOf(path)}, buffer ${path.bufferBdp} BDP, ${congestion}`
  return [
    cost.figure(`bulk goodput 5-30 s, ${congestion}, ${clean ? 'no loss' : 'loss'}`, label, row => Number(row.goodput_5_30_mbps_mean)),
    ...(clean && congestion !== 'bbr' ? [cost.figure(`bulk queueing delay, ${congestion}, no loss`, label, row => Number(row.q_delay_mean_ms_mean))] : [])
  ]
}

async function fct (options: FctOptions, path: PathOptions, exchanges: number): Promise<Figure[]> {
  const rowBy = (run: typeof runFct): () => Promise<Row> => async () => summarizeFct(path, options, await repeat(exchanges, async repetition => await run(path, options, repetition)))
  const clean = isClean(path)
  const cost = await compareBothLevels(rowBy(runFct), rowBy(runFluidFct))
  const { congestion, sizeBytes } = options
  const label = `${sizeBytes / 1e3} kB, ${labelOf(path)}, ${congestion}`
  const group = (name: string): string => `FCT ${name}, ${congestion}, ${clean ? 'no loss' : 'loss'}`
  return [
    cost.figure(group('p50'), label, row => Number(row.p50_ms)),
    ...(clean ? [] : [cost.figure(group('p90'), label, row => Number(row.p90_ms)), cost.figure(group('mean'), label, row => Number(row.mean_ms))])
  ]
}

function isClean ({ loss }: PathOptions): boolean {
  return loss.model === 'bernoulli' && loss.probability === 0
}

function labelOf ({ rateBitsPerSecond, rttMs, loss }: PathOptions): string {
  const lossName = loss.model === 'bernoulli' ? `loss ${loss.probability}` : 'Gilbert-Elliott'
  return `${rateBitsPerSecond / 1e6} Mbit/s, ${rttMs} ms, ${lossName}`
}

async function repeat<Run> (count: number, run: (repetition: number) => Promise<Run>): Promise<Run[]> {
  const runs: Run[] = []
  for (let repetition = 0; repetition < count; repetition++) {
    runs.push(await run(repetition))
  }
  return runs
}
