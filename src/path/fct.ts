import { NS_PER_S, nsToMs } from '../core/units.ts'
import { IGNORING } from '../sim/tcp/socket-handler.ts'
import { quantile } from '../stats/quantile.ts'
import { lossColumns, pathColumns } from './columns.ts'
import type { PathOptions } from './options.ts'
import { Path, PORT, repetitionStream } from './path.ts'
import type { PathOnlooker } from './path.ts'
import { runInSteps } from './steps.ts'
import { rounded, share, timeColumns } from './summary.ts'
import type { Row } from './summary.ts'
import type { CongestionName } from './tcp.ts'

/** An exchange that has not ended by then has failed: far beyond the last retry of either end. */
export const LIMIT_S = 3600

/** The server's whole answer. */
export const ANSWER_BYTES = 1

export interface FctOptions {
  readonly congestion: CongestionName
  readonly sizeBytes: number
}

/** One exchange: connect, send, and wait for the answer of one byte. */
export interface FctRun {
  /** From connect's call to the answer. */
  readonly completionMs: number
  /** From connect's call to its return. */
  readonly connectMs: number
  /** Of the client, those of the SYN included. */
  readonly timeouts: number
}

/** One exchange on a path of its own; undefined where it failed. */
export async function runFct (options: PathOptions, { congestion, sizeBytes }: FctOptions, repetition: number, signal?: AbortSignal, onlooker?: PathOnlooker): Promise<FctRun | undefined> {
  const path = new Path(options, [congestion], repetitionStream(options, repetition))
  onlooker?.(path)
  path.serverHost.listen(PORT, socket => {
    let missingBytes = sizeBytes
    socket.handler = {
      ...IGNORING,
      onData: byteCount => {
        missingBytes -= byteCount
        if (missingBytes === 0) {
          socket.write(ANSWER_BYTES)
        }
      }
    }
  })
  const client = path.connect(0)
  let connectMs = -1
  let completionMs = -1
  client.handler = {
    ...IGNORING,
    onConnected: () => {
      connectMs = nsToMs(path.kernel.nowNs - path.startNs)
      client.write(sizeBytes)
    },
    onData: () => { completionMs = nsToMs(path.kernel.nowNs - path.startNs) }
  }
  await runInSteps(path.kernel, path.startNs + LIMIT_S * NS_PER_S, () => completionMs >= 0 || client.state === 'closed', signal)
  path.network.checkConservation()
  return completionMs < 0 ? undefined : { completionMs, connectMs, timeouts: client.timeouts + path.synRetries(client) }
}

/** The reference's row for exchanges of one size over one path. */
export function summarizeFct (options: PathOptions, { congestion, sizeBytes }: FctOptions, runs: ReadonlyArray<FctRun | undefined>): Row {
  const good = runs.filter(run => run !== undefined)
  return {
    ...pathColumns(options),
    ...lossColumns(options),
    buf_bdp: options.bufferBdp,
    gso_max_segs: options.gso,
    cc: congestion,
    size_bytes: sizeBytes,
    n: good.length,
    n_fail: runs.length - good.length,
    ...timeColumns(good.map(({ completionMs }) => completionMs), [50, 90, 99]),
    frac_with_rto: share(good, ({ timeouts }) => timeouts > 0),
    connect_p50_ms: good.length === 0 ? null : rounded(quantile(good.map(({ connectMs }) => connectMs), 0.5))
  }
}
