import test from 'ava'
import type { Metric, SampleEvent } from '../../src/experiment/definition.ts'
import type { UnitResult } from '../../src/experiment/unit.ts'
import { peerTable } from '../../src/report/peer-table.ts'
import type { CaseDescription } from '../../src/results/data.ts'

const metric: Metric = { name: 'request-p50', title: 'Request, median', sample: 'request', statistic: 'p50', unit: 'ms', better: 'lower', minimumEffect: 0.05 }

function caseOf (leading: Metric = metric): CaseDescription {
  return { name: 'c', title: 'c', description: 'c', metrics: [leading] }
}

function sample (host: string, value: number, ok = true, kind = 'request'): SampleEvent {
  return { type: 'sample', timeMs: 0, host, metric: kind, value, ok, reason: ok ? '' : 'ERR_TIMEOUT' }
}

function unit (...samples: SampleEvent[]): UnitResult {
  return { wire: 'sim', case: 'c', arm: 'a', seed: 's/0', samples }
}

/** Cells of each row. */
function rowsOf (text: string | undefined): string[][] {
  return [...(text ?? '').matchAll(/<tr><th scope="row">(.*?)<\/tr>/g)].map(([, row]) => row.replaceAll(/<\/?t[hd][^>]*>/g, ' ').trim().split(/ {2,}/))
}

test('each peer has a row of its samples, failures and values, the worst median first', t => {
  const table = peerTable(unit(sample('fast', 10), sample('slow', 80), sample('slow', 100, false), sample('slow', 20), sample('fast', 999, true, 'other')), caseOf())
  t.deepEqual(rowsOf(table?.text), [['slow', '3', '1', '80 ms', '96 ms', '20 ms', '100 ms'], ['fast', '1', '0', '10 ms', '10 ms', '10 ms', '10 ms']])
  const rates = peerTable(unit(sample('a', 10), sample('b', 80)), caseOf({ ...metric, better: 'higher' }))
  t.deepEqual(rowsOf(rates?.text).map(([host]) => host), ['a', 'b'])
})

test('a run of which one peer measured has none, and of many the twelve worst are shown', t => {
  t.is(peerTable(unit(sample('only', 1), sample('only', 2)), caseOf()), undefined)
  t.is(peerTable(unit(sample('a', 1, true, 'other'), sample('b', 2, true, 'other')), caseOf()), undefined)
  const many = peerTable(unit(...Array.from({ length: 30 }, (_, i) => sample(`peer-${i}`, i))), caseOf())?.text
  t.deepEqual(rowsOf(many).map(([host]) => host), Array.from({ length: 12 }, (_, i) => `peer-${29 - i}`))
  t.true(many?.includes('And 18 peers with better medians'))
})
