import { pathOptions } from '../../src/path/options.ts'
import type { PathInput, PathOptions } from '../../src/path/options.ts'
import type { CongestionName } from '../../src/path/tcp.ts'
import type { ReferenceRow } from './reference.ts'

/** One row of the reference, to be measured over the model: plain data, because it crosses threads. */
export interface Task {
  readonly kind: 'bulk' | 'fct' | 'connect' | 'pair' | 'libp2p'
  /** For a reader, and the seed. */
  readonly label: string
  readonly path: PathOptions
  /** Two of a pair. */
  readonly congestion: readonly CongestionName[]
  readonly sizeBytes: number
  readonly repetitions: number
  readonly reference: ReferenceRow
}

// Where chance decides at least five times as many as were measured (5 transfers, 60 to 200 exchanges), so that what
// separates the two is the measurement's chance and hardly the model's as well.
const CLEAN_SEEDS = 3
const LOSSY_SEEDS = 50
const PAIR_SEEDS = 8
const CLEAN_EXCHANGES = 20
const LOSSY_EXCHANGES = 1000
const CONNECTS = 10_000
const CLEAN_SESSIONS = 2
const LOSSY_SESSIONS = 200

/** In all cases with a Gilbert-Elliott chain. */
const CHAIN = { model: 'gilbert-elliott', p: 0.005, r: 0.25, lossGood: 0, lossBad: 0.5 } as const

export function bulkTask (row: ReferenceRow): Task {
  const lossy = row.loss_model !== 'none'
  const gso = row.gso_max_segs === 1 ? 1 : 'default'
  const label = [`${row.rate_mbps} Mbit/s`, `${row.rtt_ms} ms`, row.cc, lossOf(row), `${row.buf_bdp} BDP`, gso === 1 ? 'gso 1' : ''].filter(part => part !== '').join(', ')
  return task('bulk', label, row, [row.cc as CongestionName], lossy ? LOSSY_SEEDS : CLEAN_SEEDS, {
    loss: row.loss_model === 'ge' ? CHAIN : { model: 'bernoulli', probability: Number(row.loss_fwd) },
    lossDirection: 'forward',
    bufferBdp: Number(row.buf_bdp),
    gso
  })
}

export function fctTask (row: ReferenceRow): Task {
  const label = `${row.rate_mbps} Mbit/s, ${row.rtt_ms} ms, ${row.cc}, loss ${row.loss_each_dir}, ${row.size_bytes} B`
  return task('fct', label, row, [row.cc as CongestionName], row.loss_each_dir === 0 ? CLEAN_EXCHANGES : LOSSY_EXCHANGES, {
    loss: { model: 'bernoulli', probability: Number(row.loss_each_dir) }, lossDirection: 'both'
  })
}

export function connectTask (row: ReferenceRow): Task {
  return task('connect', `loss ${row.loss_each_dir}`, { ...row, rate_mbps: 10 }, ['reno'], CONNECTS, {
    loss: { model: 'bernoulli', probability: Number(row.loss_each_dir) }, lossDirection: 'both'
  })
}

export function pairTask (row: ReferenceRow): Task {
  return task('pair', `${row.pair}, ${row.buf_bdp} BDP`, { ...row, rate_mbps: 20, rtt_ms: 40 }, String(row.pair).split('+') as CongestionName[], PAIR_SEEDS, {
    lossDirection: 'forward', bufferBdp: Number(row.buf_bdp)
  })
}

export function libp2pTask (row: ReferenceRow): Task {
  const label = `${row.rate_mbps} Mbit/s, ${row.rtt_ms} ms, loss ${row.loss_each_dir}`
  return task('libp2p', label, row, ['cubic'], row.loss_each_dir === 0 ? CLEAN_SESSIONS : LOSSY_SESSIONS, {
    loss: { model: 'bernoulli', probability: Number(row.loss_each_dir) }, lossDirection: 'both'
  })
}

function task (kind: Task['kind'], label: string, reference: ReferenceRow, congestion: readonly CongestionName[], repetitions: number, path: Pick<PathInput, 'loss' | 'lossDirection' | 'bufferBdp' | 'gso'>): Task {
  return {
    kind,
    label,
    reference,
    congestion,
    repetitions,
    sizeBytes: Number(reference.size_bytes ?? 0),
    path: pathOptions({ ...path, rateBitsPerSecond: Number(reference.rate_mbps) * 1e6, rttMs: Number(reference.rtt_ms), seed: `validate:kernel/${kind}/${label}` })
  }
}

function lossOf (row: ReferenceRow): string {
  if (row.loss_model === 'none') {
    return 'no loss'
  }
  return row.loss_model === 'ge' ? 'Gilbert-Elliott' : `loss ${row.loss_fwd}`
}
