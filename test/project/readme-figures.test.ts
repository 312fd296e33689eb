import { access, readFile } from 'node:fs/promises'
import test from 'ava'
import { markedSection, withMarkedSection } from '../../bench/marked-section.ts'
import { HOW_TO_READ, README_MARKS, readmeFigures } from '../../bench/readme-figures.ts'
import { experimentNames } from '../../src/experiment/registry.ts'
import type { ExperimentSummary } from '../../src/report/summary-data.ts'

const root = new URL('../../', import.meta.url)
const readme = await readFile(new URL('README.md', root), 'utf8')

const experiment: ExperimentSummary = {
  name: 'dead-address',
  title: 'Dead address',
  report: 'dead-address.html',
  command: 'twinwire validate dead-address',
  tookSeconds: 60,
  passed: true,
  broken: [],
  verdict: 'Pool against plain libp2p: 1 of 1 goal better, none worse.',
  lead: {
    arm: 'Pool',
    against: 'plain libp2p',
    goals: { of: 1, better: 1, worse: 0, open: 0 },
    rivals: { of: 0, better: 0, worse: 0, open: 0 },
    costs: { of: 2, better: 0, worse: 1, open: 1 },
    withoutGain: { of: 0, better: 0, worse: 0, open: 0 },
    gain: { text: 'dead, first request: -95% [-96, -94], from 6.24 s to 312 ms in simulation', remark: ' that real peers do not contradict' }
  },
  modules: [],
  seeds: { sim: 20, tcp: 3 },
  holes: 0,
  claims: [{
    promise: 'ten times faster',
    reading: 'first address dead',
    case: 'dead',
    metric: 'first',
    arm: 'pool',
    armTitle: 'Pool',
    target: { change: -0.9 },
    outcome: 'met',
    readings: [{ wire: 'sim', outcome: 'met', found: [-0.95, -0.96, -0.94], baselineMean: 6240, armMean: 312 }]
  }],
  metrics: [{
    wire: 'sim', case: 'dead', metric: 'first', unit: 'ms', better: 'lower', role: 'goal', baseline: 'plain',
    arms: [
      { arm: 'plain', runs: 20, mean: [6240, 6230, 6250], median: 6240 },
      { arm: 'pool', runs: 20, mean: [312, 300, 320], median: 312, comparison: { verdict: 'improved', pairs: 20, baselineMean: 6240, armMean: 312, relative: [-0.95, -0.96, -0.94], adjustedPValue: 0.001 } }
    ]
  }],
  agreement: [{ model: 'sim', reference: 'tcp', comparisons: 4, median: 0.037, p99: 0.081, p99Comparisons: 4 }],
  agreements: [],
  beliefs: []
}

test('README\'s figures say of each promise what was found and where, of each experiment what its arm in question did, and how far to believe it', t => {
  t.is(readmeFigures({ tookSeconds: 60, modules: [], experiments: [experiment] }), [
    HOW_TO_READ,
    '',
    'Were the promises kept? Of 1 reading 1 is met. Of 1 promise 1 is met in every reading, 0 in none. Each case is shown by its hardest reading, the one with the worst outcome.',
    '',
    '| promise | met | partly | not met | open | the kindest case | the hardest case |',
    '| --- | --- | --- | --- | --- | --- | --- |',
    '| ten times faster | 1 (1 virtual) | 0 | 0 | 0 | ✓ met: [first address dead](reports/dead-address.html#promises), 6.24 s → 312 ms | one case only |',
    '',
    '<details><summary>Everything that they are read as: 1 reading</summary>',
    '',
    '| promise | read as | arm | from | to | decided by | target | outcome | also ran |',
    '| --- | --- | --- | --- | --- | --- | --- | --- | --- |',
    '| ten times faster | [first address dead](reports/dead-address.html#promises) | Pool | 6.24 s | 312 ms | −95% [−96, −94] in simulation | −90% | ✓ met | nowhere else |',
    '',
    '</details>',
    '',
    '| experiment | who, against whom | goals, sweeps as well | against rivals | costs | where nothing can be gained | largest gain | runs | simulation from real peers, in times at the median |',
    '| --- | --- | --- | --- | --- | --- | --- | --- | --- |',
    '| [dead-address](reports/dead-address.html) | Pool, against plain libp2p | 1 of 1 better, 0 worse | – | 1 of 2 dearer, 1 open | – | dead, first request: −95% [−96, −94], from 6.24 s to 312 ms in simulation, the largest that real peers do not contradict | 20 in simulation, 3 on real peers | 3.7% over 4 |',
    '',
    'Of 1 experiment that ran in simulation and on real peers, times at the median are within 10% in 1 (each experiment\'s figure is its median over what was compared; over all of them it is 3.7%, at most 3.7%); at p99 they differ by 8.1% typically and by 8.1% at most.',
    '',
    '1 experiment, 1 minute of runs in all on the machine that their reports name: `npm run experiments`, and what was run again after it ([docs/runs.md](docs/runs.md)).'
  ].join('\n'))
})

test('a promise\'s change is that of its arm, though another arm has the same mean', t => {
  const [metric] = experiment.metrics
  const [plain, pool] = metric.arms
  const twin = { ...pool, arm: 'twin', ...pool.comparison && { comparison: { ...pool.comparison, relative: [-0.95, -0.99, -0.5] as const } } }
  t.is(readmeFigures({ tookSeconds: 60, modules: [], experiments: [{ ...experiment, metrics: [{ ...metric, arms: [plain, twin, pool] }] }] }), readmeFigures({ tookSeconds: 60, modules: [], experiments: [experiment] }))
})

test('an experiment says beside its verdict which threshold or limit of agreement does not hold, what was found and what was promised', t => {
  const broken = [{ kind: 'threshold', text: 'request of Pool: 1.2 s, promised at most 1 s' }, { kind: 'agreement', text: 'dial of plain libp2p: 25 ms (242 ms simulated, 217 ms real), promised simulated within 20 ms of real' }] as const
  t.true(readmeFigures({ tookSeconds: 60, modules: [], experiments: [{ ...experiment, passed: false, broken }] }).includes('| [dead-address](reports/dead-address.html) ' +
    '✕ A [threshold](reports/dead-address.html#thresholds) does not hold: request of Pool: 1.2 s, promised at most 1 s. ' +
    '✕ A [limit of agreement](reports/dead-address.html#thresholds) does not hold: dial of plain libp2p: 25 ms (242 ms simulated, 217 ms real), promised simulated within 20 ms of real. | Pool, against plain libp2p |'))
})

test('experiments with many comparisons are counted apart', t => {
  const [agreement] = experiment.agreement
  const text = readmeFigures({ tookSeconds: 60, modules: [], experiments: [experiment, { ...experiment, agreement: [{ ...agreement, comparisons: 6, median: 0.2 }] }] })
  t.true(text.includes('times at the median are within 10% in 1, and in 0 of the 1 that have 6 comparisons or more (each'))
})

test('real runs that the simulation was not held to say so', t => {
  const alone = (seeds: ExperimentSummary['seeds']): string => readmeFigures({ tookSeconds: 60, modules: [], experiments: [{ ...experiment, seeds, agreement: [] }] })
  t.true(alone({ sim: 20, tcp: 1 }).includes('| 20 in simulation, 1 on real peers (not compared with the simulation) |  |'))
  t.true(alone({ tcp: 9 }).includes('| 9 on real peers (nothing was simulated) |  |'))
})

test('an outcome that real peers ran, too, is not counted as virtual, and a reading says what other wires make of it', t => {
  const [claim] = experiment.claims
  const [inSimulation] = claim.readings
  const confirmed = { ...claim, readings: [inSimulation, { ...inSimulation, wire: 'stack' as const }, { ...inSimulation, wire: 'tcp' as const, outcome: 'open' as const, found: [-0.93, null, null] as const }] }
  const [metric] = experiment.metrics
  const text = readmeFigures({ tookSeconds: 60, modules: [], experiments: [{ ...experiment, claims: [confirmed, claim], metrics: [metric, { ...metric, wire: 'stack' }, { ...metric, wire: 'tcp' }] }] })
  t.true(text.includes('| ten times faster | 2 (1 virtual) | 0 | 0 | 0 |'))
  t.true(text.includes('| ✓ met | −95% [−96, −94] on the stack: ✓ met; −93% [one run] on real peers |'))
})

test('what each module did alone in all experiments has a row a module', t => {
  const parts = { goals: { of: 9, better: 5, worse: 0, open: 2 }, rivals: { of: 4, better: 1, worse: 2, open: 0 }, costs: { of: 4, better: 0, worse: 1, open: 0 }, withoutGain: { of: 3, better: 0, worse: 1, open: 0 } }
  const gain = { experiment: 'dead-address', report: 'dead-address.html', text: 'first address dead, request -95% [-96, -94]', remark: ', which a rival has, too' }
  const text = readmeFigures({ tookSeconds: 60, modules: [{ module: 'connectionPool', experiments: 4, ...parts, gain, cost: { experiment: 'dead-address', report: 'dead-address.html', text: 'cold, bytes +20% [+19, +21]' } }, { module: 'fullStack', experiments: 4, ...parts }], experiments: [experiment] })
  t.true(text.includes('| [Connection pool](docs/modules.md#connection-pool), 4 experiments | 5 of 9 better, 0 worse, 2 open | 1 of 4 better, 2 worse | 1 of 4 dearer, the largest cold, bytes +20% [+19, +21] ([dead-address](reports/dead-address.html#effects)) | 1 of 3 worse or dearer | first address dead, request −95% [−96, −94], the largest, which a rival has, too ([dead-address](reports/dead-address.html#effects)) | none |'))
  t.false(text.includes('Full stack'))
})

test('what the baseline meets as well says so, in the count and beside the reading', t => {
  const [claim] = experiment.claims
  const text = readmeFigures({ tookSeconds: 60, modules: [], experiments: [{ ...experiment, claims: [{ ...claim, byBaseline: true }] }] })
  t.true(text.includes('| ten times faster | 1 (1 virtual, 1 by the baseline as well) | 0 | 0 | 0 | ✓ met, by the baseline as well: [first address dead]'))
  t.true(text.includes('| −90% | ✓ met, by the baseline as well | nowhere else |'))
})

test('README has a place for the published figures, under what it found', t => {
  t.notThrows(() => markedSection(readme, README_MARKS))
  t.regex(readme, new RegExp(`## What it found\\n\\n${README_MARKS.begin}`))
})

test('README names every experiment once, scripts that there are, and files and sections that exist', async t => {
  const [, table = ''] = /\| experiment \| asks \|\n([^]*?)\n\n/.exec(readme) ?? []
  t.deepEqual([...table.matchAll(/`([a-z0-9-]+)`/g)].map(([, name]) => name).sort(), (await experimentNames()).sort())
  const { scripts } = JSON.parse(await readFile(new URL('package.json', root), 'utf8')) as { scripts: Record<string, string> }
  for (const [, script] of readme.matchAll(/npm run ([a-z0-9:-]+)/g)) {
    t.true(script in scripts, script)
  }
  const anchors = [...readme.matchAll(/^#+ (.*)$/gm)].map(([, title]) => title.toLowerCase().replaceAll(/[^a-z0-9 -]/g, '').replaceAll(' ', '-'))
  for (const [, link] of withoutMarked(readme).matchAll(/\]\((?!https:)([^)]+)\)/g)) {
    const [file, anchor] = link.split('#')
    await t.notThrowsAsync(access(new URL(file, root)), link)
    t.true(file !== '' || anchors.includes(anchor), link)
  }
})

/** Reports are held to the summary by `npm run readme:check`. */
function withoutMarked (text: string): string {
  return text.replace(markedSection(text, README_MARKS), '')
}

test('a document that has lost its marks is refused, and only what stands between them is replaced', t => {
  const marks = { begin: '<!-- a -->', end: '<!-- b -->', name: 'DOC.md' }
  const text = withMarkedSection('before\n<!-- a -->\nold\n<!-- b -->\nafter\n', marks, 'new')
  t.is(text, 'before\n<!-- a -->\n\nnew\n\n<!-- b -->\nafter\n')
  t.is(markedSection(text, marks), 'new')
  t.throws(() => markedSection('nothing', marks), { message: 'DOC.md has lost the marks between which its figures stand' })
})

/** Of the promise that there is: its own, and one of each reading. */
function rowsOf (summary: Parameters<typeof readmeFigures>[0]): string[] {
  return readmeFigures(summary).split('\n').filter(line => line.startsWith('| ten times faster |'))
}

test('of several cases the strongest and the weakest stand in the promise\'s row, a bound as one and a value beside its own interval', t => {
  const [claim] = experiment.claims
  const [metric] = experiment.metrics
  const [plain, pool] = metric.arms
  const slower = { ...claim, reading: 'in 50 ms', case: 'slow', target: { value: 50 }, outcome: 'not met' as const, readings: [{ ...claim.readings[0], outcome: 'not met' as const, found: [312, 300, 320] as const }] }
  const bounded = { ...claim, reading: 'a fifth fails', case: 'failing', outcome: 'open' as const, readings: [{ ...claim.readings[0], outcome: 'open' as const }] }
  const failing = { ...metric, case: 'failing', arms: [plain, { ...pool, ...pool.comparison && { comparison: { ...pool.comparison, verdict: 'saturated' as const, relative: null, bounds: { baseline: 0.2 } } } }] }
  const [row, ...rest] = rowsOf({ tookSeconds: 60, modules: [], experiments: [{ ...experiment, claims: [slower, bounded, claim], metrics: [metric, failing, { ...metric, case: 'slow' }] }] })
  t.regex(row, /^\| ten times faster \| 1 \(1 virtual\) \| 0 \| 1 \(1 virtual\) \| 1 \(1 virtual\) \| ✓ met: \[first address dead\].* \| ✕ not met: \[in 50 ms\]\([^)]*\), 6\.24 s → 312 ms \|$/)
  t.true(rest.some(line => line.endsWith('| Pool | 6.24 s | 312 ms | 312 ms [300, 320] in simulation | at most 50 ms | ✕ not met | nowhere else |')))
  t.true(rest.some(line => line.endsWith('| Pool | > 6.24 s (20% failed) | 312 ms | no size in simulation | −90% | ? open | nowhere else |')))
  const least = { ...bounded, outcome: 'met' as const, readings: [{ ...bounded.readings[0], found: [-0.95, null, -0.94] as const, isBound: true as const }] }
  t.true(readmeFigures({ tookSeconds: 60, modules: [], experiments: [{ ...experiment, claims: [least], metrics: [failing] }] }).includes('| Pool | > 6.24 s (20% failed) | 312 ms | at least 94% less in simulation | −90% | ✓ met | nowhere else |'))
})

test('a case whose fair rival is not beaten is not the strongest because a straw man is, and its reading says of what it is the same', t => {
  const [claim] = experiment.claims
  const fair = { ...claim, reading: 'the same, against a fair rival', outcome: 'not met' as const }
  const half = { ...claim, reading: 'half way', case: 'half', outcome: 'partly' as const }
  const [row] = rowsOf({ tookSeconds: 60, modules: [], experiments: [{ ...experiment, claims: [claim, fair, half], metrics: [...experiment.metrics, { ...experiment.metrics[0], case: 'half' }] }] })
  t.regex(row, /\| 1 \(1 virtual\) \| 1 \(1 virtual\) \| 1 \(1 virtual\) \| 0 \| ◐ partly: \[half way\].* \| ✕ not met: \[first address dead, against a fair rival\]/)
  const [named] = rowsOf({ tookSeconds: 60, modules: [], experiments: [{ ...experiment, claims: [{ ...claim, reading: 'failed requests: churn' }, { ...fair, reading: 'the same, against a fair rival: churn' }] }] })
  t.regex(named, /✕ not met: \[failed requests, against a fair rival: churn\]/)
  // The case may be named first, and the one before be against another rival.
  const [prefixed] = rowsOf({ tookSeconds: 60, modules: [], experiments: [{ ...experiment, claims: [{ ...claim, reading: '100 B: as much again, against kept streams' }, { ...fair, reading: '100 B: the same, against a fair rival' }] }] })
  t.regex(prefixed, /✕ not met: \[100 B: as much again, against a fair rival\]/)
})
