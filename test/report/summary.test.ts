import test from 'ava'
import { analyse } from '../../src/report/analysis.ts'
import { renderReport } from '../../src/report/html.ts'
import { summaryData } from '../../src/report/summary-data.ts'
import type { SummaryEntry } from '../../src/report/summary-data.ts'
import { renderSummary } from '../../src/report/summary.ts'
import type { ResultsData } from '../../src/results/data.ts'
import { fullResults } from './fixtures/full.ts'
import { syntheticResults } from './fixtures/results.ts'

function entry (results: ResultsData, href: string): SummaryEntry & { readonly results: ResultsData } {
  return { results, analysis: analyse(results), href }
}

const entries = [entry(fullResults({ simSeeds: 7, stackSeeds: 2, tcpSeeds: 1 }), 'everything.html'), entry(syntheticResults({ simSeeds: 3, tcpSeeds: 0 }), 'connection-setup.html')]
const page = await renderSummary(entries)
const data = summaryData(entries)

test('the summary is one file under 2 MB that links to reports alone and allows one script', (t) => {
  t.true(Buffer.byteLength(page) < 2e6)
  const links = new Set([...page.matchAll(/(?:src|href)="(?!#)([^"#]*)/g)].map(([, href]) => href))
  t.deepEqual([...links].sort(), ['connection-setup.html', 'everything.html'])
  t.is(page.match(/<script>/g)?.length, 1)
  const ids = [...page.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id)
  t.is(new Set(ids).size, ids.length)
})

test('it has a line for each claim, each module and each experiment, and says where no real peers ran', (t) => {
  const rows = (id: string): number => new RegExp(`<h2 id="${id}">[^]*?</section>`).exec(page)?.[0].match(/<tr>/g)?.length ?? 0
  // And a line of heads.
  t.is(rows('promises'), 6 + 1)
  t.is(rows('modules'), 6 + 1)
  t.is(rows('experiments'), 2 + 1)
  t.regex(page, /no real peers ran/)
  t.regex(page, /<a href="everything\.html#promises">/)
})

test('the data has every comparison with baseline, arm, interval and verdict, in six digits', (t) => {
  const [everything] = data.experiments
  const metric = everything.metrics.find((one) => one.wire === 'sim' && one.case === 'address-dead' && one.metric === 'request')
  const found = metric?.arms.find(({ arm }) => arm === 'full')?.comparison
  t.true(found !== undefined && found.relative !== null && found.relative[0] < -0.9 && found.baselineMean > found.armMean)
  t.is(everything.claims.length, 6)
  t.is(everything.agreement.length, 3)
  t.deepEqual(JSON.stringify(data).match(/\d\.\d*[1-9]\d{16,}/g), null)
  t.true(JSON.stringify(data).length < 1e6)
})

test('the same entries give the same data and page', async (t) => {
  const again = entries.map(({ results, href }) => entry({ run: results.run, units: results.units.toReversed() }, href))
  t.is(JSON.stringify(summaryData(again)), JSON.stringify(data))
  t.true(await renderSummary(again) === page)
})

test('text of results is escaped in the summary, and in what reports show of claims and sweeps', async (t) => {
  const evil = '</script><img src=x onerror=alert(1)>"\''
  const { run, units } = fullResults({ simSeeds: 2, stackSeeds: 0, tcpSeeds: 0 })
  const { experiment } = run
  const poisoned = entry({
    units,
    run: {
      ...run,
      command: evil,
      experiment: {
        ...experiment,
        title: evil,
        question: evil,
        arms: experiment.arms.map((arm) => ({ ...arm, title: evil })),
        cases: experiment.cases.map((one) => ({ ...one, title: evil, metrics: one.metrics.map((metric) => ({ ...metric, title: evil })) })),
        promises: experiment.promises?.map((claim) => ({ ...claim, promise: evil, reading: evil })) ?? [],
        sweeps: experiment.sweeps?.map((sweep) => ({ ...sweep, title: evil, description: evil, factors: sweep.factors.map((factor) => ({ ...factor, title: evil })) })) ?? []
      }
    }
  }, 'x.html')
  for (const text of [await renderSummary([poisoned]), await renderReport(poisoned.results, poisoned.analysis)]) {
    t.false(text.includes('<img'))
    t.is(text.match(/<\/script>/g)?.length, 2)
  }
})

test('seeds that were added for precision count with those that were planned', t => {
  const { results, ...rest } = entries[0]
  const [sim] = results.run.plan.filter(({ wire }) => wire === 'sim')
  const added = { ...sim, seeds: ['added/0', 'added/1'] }
  const { experiments: [{ seeds }] } = summaryData([{ ...rest, results: { ...results, run: { ...results.run, plan: [...results.run.plan, added] } } }])
  t.is(seeds.sim, sim.seeds.length + 2)
})

test('what does not hold is named with what was found and what was promised', t => {
  const [everything, setUp] = data.experiments
  t.deepEqual(everything.broken, [])
  t.true(everything.passed)
  t.false(setUp.passed)
  t.deepEqual(setUp.broken.map(({ kind }) => kind), ['threshold'])
  t.regex(setUp.broken[0].text, /^cold dial, median dial of pool: 24\d ms, promised at most 200 ms$/)
  const { results, ...rest } = entries[0]
  const { run } = results
  const strict = { ...results, run: { ...run, experiment: { ...run.experiment, agreement: [{ case: 'idle-link', metric: 'request', arm: 'plain', limitMs: 0.1 }] } } }
  const { experiments: [{ broken: [limit] }] } = summaryData([{ ...rest, results: strict, analysis: analyse(strict) }])
  t.is(limit.kind, 'agreement')
  t.regex(limit.text, /^idle link, request, p99 of plain libp2p: \d+(\.\d+)? ms \(\d+ ms simulated, \d+ ms real\), promised simulated within 0\.100 ms of real$/)
})

test('together experiments take as long as any of them was under way, neither twice what they ran beside each other nor what lay between two commands', t => {
  const results = fullResults({ simSeeds: 2, stackSeeds: 0, tcpSeeds: 0, holes: 0 })
  const from = (startedAt: string, finishedAt: string): SummaryEntry => entry({ ...results, run: { ...results.run, startedAt: `2026-01-01T${startedAt}:00.000Z`, finishedAt: `2026-01-01T${finishedAt}:00.000Z` } }, 'one.html')
  const tookSeconds = (...entries: readonly SummaryEntry[]): number => summaryData(entries).tookSeconds
  t.is(tookSeconds(from('10:00', '10:30'), from('10:05', '10:10'), from('10:20', '10:50')), 50 * 60)
  t.is(tookSeconds(from('15:00', '15:06'), from('10:00', '10:30')), 36 * 60)
})

test('what all experiments say of a module is counted together, and the largest of each kind says whose it is', t => {
  const results = fullResults({ simSeeds: 14, stackSeeds: 0, tcpSeeds: 0, holes: 0 })
  const modules = new Map(summaryData([entry(results, 'one.html'), entry(results, 'two.html')]).modules.map((one) => [one.module, one]))
  const pool = modules.get('connectionPool')
  t.like(pool, { experiments: 2, goals: { of: 8, better: 2, worse: 0, open: 4 }, rivals: { of: 0 }, costs: { of: 4, worse: 0 }, withoutGain: { of: 4, worse: 0 } })
  t.regex(pool?.gain?.text ?? '', /^first address dead, request, p99 -9[23](\.\d)?% \[.*\]$/)
  t.like(pool?.gain, { experiment: 'everything', report: 'one.html' })
  t.is(pool?.cost, undefined)
  const timeouts = modules.get('adaptiveTimeouts')
  t.like(timeouts, { costs: { of: 4, worse: 4 }, withoutGain: { of: 4, worse: 2 } })
  t.regex(timeouts?.cost?.text ?? '', /attempts a request \+\d\d(\.\d)?% \[.*\]$/)
})

test('an experiment\'s lead counts what its verdict does', t => {
  const { experiments: [{ verdict, lead }] } = summaryData([entry(fullResults({ simSeeds: 14, stackSeeds: 0, tcpSeeds: 0, holes: 0 }), 'everything.html')])
  const [, better, of] = /: (\d+|none) of (\d+) goals better/.exec(verdict) ?? []
  t.like(lead, { arm: 'Full stack', against: 'plain libp2p', goals: { of: Number(of), better: Number(better) } })
  t.true(verdict.includes(lead?.gain?.text ?? 'nothing'))
})
