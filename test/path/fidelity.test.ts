import test from 'ava'
import { judge } from '../../bench/validate-kernel/groups.ts'
import type { GroupResult, Outcome } from '../../bench/validate-kernel/groups.ts'
import { readReference } from '../../bench/validate-kernel/reference.ts'
import type { ReferenceRow } from '../../bench/validate-kernel/reference.ts'
import { bulkTask, fctTask, pairTask } from '../../bench/validate-kernel/task.ts'
import type { Task } from '../../bench/validate-kernel/task.ts'
import measure from '../../bench/validate-kernel/worker.ts'

/**
 * Rows of the kernel's measurements that cost little, with few seeds, held to the targets of all rows: a guard. The figures
 * are those of `npm run validate:kernel`.
 */
async function compared (file: string, toTask: (row: ReferenceRow) => Task, only: (row: ReferenceRow) => boolean, repetitions: number): Promise<Outcome[]> {
  const outcomes: Outcome[] = []
  for (const row of (await readReference(file)).filter(only)) {
    const task = { ...toTask(row), repetitions }
    outcomes.push({ task, modelled: await measure(task) })
  }
  return outcomes
}

/** Of one measured column: the error of each row. */
function errors (outcomes: readonly Outcome[], column: string): Map<string, number> {
  return new Map(outcomes.map(({ task: { label, reference }, modelled: { row } }) => [label, Math.abs(Number(row[column]) / Number(reference[column]) - 1)]))
}

function missed (groups: readonly GroupResult[]): string[] {
  return groups.filter(({ met }) => !met).map(({ name, median, worst }) => `${name}: median ${median}, worst ${worst}`)
}

const slow = ({ rate_mbps, rtt_ms }: ReferenceRow): boolean => rate_mbps === 10 && rtt_ms === 20

test('goodput and queueing delay without loss are the kernel\'s, for each controller and buffer, with bursts and without', async t => {
  const outcomes = await compared('bulk_summary.csv', bulkTask, row => slow(row) && row.loss_model === 'none', 1)
  t.is(outcomes.length, 15)
  t.deepEqual(missed(judge(outcomes)), [])
})

test('goodput with loss is the kernel\'s, and with BBR so are window and queue, which it owes to compressed acknowledgements', async t => {
  const outcomes = await compared('bulk_summary.csv', bulkTask, row => slow(row) && row.loss_model !== 'none', 3)
  t.is(outcomes.length, 12)
  t.deepEqual(missed(judge(outcomes)), [])
  const bbr = outcomes.filter(({ task }) => task.congestion[0] === 'bbr')
  // The targets of queueing delay without loss. Acknowledged one by one, the delay is a third less and the round trip an eighth.
  for (const [column, limit] of [['q_delay_mean_ms_mean', 0.25], ['srtt_mean_5_30_ms_mean', 0.08], ['cwnd_mean_5_30_pkts_mean', 0.08]] as const) {
    for (const [label, error] of errors(bbr, column)) {
      t.true(error <= limit, `${label}: ${column} off by ${error}`)
    }
  }
})

test('flow completion times without loss are the kernel\'s, from 1 KiB to 1 MiB', async t => {
  const outcomes = await compared('fct_summary.csv', fctTask, row => row.rate_mbps === 10 && row.loss_each_dir === 0, 2)
  t.is(outcomes.length, 24)
  t.deepEqual(missed(judge(outcomes)), [])
})

test('flows share a bottleneck as the kernel\'s do', async t => {
  const outcomes = await compared('pair_summary.csv', pairTask, ({ pair }) => pair === 'bbr+cubic' || pair === 'bbr+reno', 2)
  t.is(outcomes.length, 2)
  t.deepEqual(missed(judge(outcomes)), [])
})
