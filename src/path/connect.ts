import { NS_PER_S, nsToMs } from '../core/units.ts'
import { IGNORING } from '../sim/tcp/socket-handler.ts'
import { mean } from '../stats/quantile.ts'
import { SETUP_LIMIT_S } from './bulk-flow.ts'
import { lossColumns, pathColumns } from './columns.ts'
import { meanLoss } from './options.ts'
import type { PathOptions } from './options.ts'
import { Path, PORT, repetitionStream } from './path.ts'
import type { PathOnlooker } from './path.ts'
import { runInSteps } from './steps.ts'
import { rounded, share, timeColumns } from './summary.ts'
import type { Row } from './summary.ts'
import type { CongestionName } from './tcp.ts'

/** A connect slower than this needed more than one attempt, on any path of interest. */
const SLOW_MS = 500

/** Attempts from here on stand in one column. */
const LAST_COLUMN = 5

export interface ConnectRun {
  /** From connect's call to its return. */
  readonly connectMs: number
  /** SYNs sent until then. */
  readonly attempts: number
}

/** One connect() on a path of its own; undefined where it failed. */
export async function runConnect (options: PathOptions, congestion: CongestionName, repetition: number, signal?: AbortSignal, onlooker?: PathOnlooker): Promise<ConnectRun | undefined> {
  const path = new Path(options, [congestion], repetitionStream(options, repetition))
  onlooker?.(path)
  path.serverHost.listen(PORT, socket => { socket.handler = IGNORING })
  const client = path.connect(0)
  let run: ConnectRun | undefined
  client.handler = {
    ...IGNORING,
    onConnected: () => { run = { connectMs: nsToMs(path.kernel.nowNs - path.startNs), attempts: path.synRetries(client) + 1 } }
  }
  await runInSteps(path.kernel, path.startNs + SETUP_LIMIT_S * NS_PER_S, () => run !== undefined || client.state === 'closed', signal)
  path.network.checkConservation()
  return run
}

/** The reference's row for one path. */
export function summarizeConnect (options: PathOptions, runs: ReadonlyArray<ConnectRun | undefined>): Row {
  const good = runs.filter(run => run !== undefined)
  const forward = meanLoss(options.loss)
  const backward = options.lossDirection === 'both' ? forward : 0
  const row: Row = {
    ...pathColumns(options),
    ...lossColumns(options),
    n: good.length,
    n_fail: runs.length - good.length,
    ...timeColumns(good.map(({ connectMs }) => connectMs), [50, 90, 95, 99]),
    frac_gt_500ms: share(good, ({ connectMs }) => connectMs > SLOW_MS),
    expected_1_minus_p2: rounded(1 - (1 - forward) * (1 - backward), 4)
  }
  for (let attempt = 1; attempt <= LAST_COLUMN; attempt++) {
    const times = good.filter(({ attempts }) => Math.min(attempts, LAST_COLUMN) === attempt).map(({ connectMs }) => connectMs)
    const suffix = attempt === LAST_COLUMN ? `${attempt}plus` : String(attempt)
    row[`n_attempt${suffix}`] = times.length
    row[`mean_ms_attempt${suffix}`] = rounded(mean(times))
  }
  return row
}
