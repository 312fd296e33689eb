import { Writable } from 'node:stream'
import test from 'ava'
import { runOutput } from '../../src/cli/json-output.ts'
import { describeVerdicts } from '../../src/cli/verdicts.ts'
import { analyse } from '../../src/report/analysis.ts'
import { fullResults } from '../report/fixtures/full.ts'
import { syntheticResults } from '../report/fixtures/results.ts'

const results = fullResults({ simSeeds: 7, stackSeeds: 1, tcpSeeds: 1, holes: 0 })
const analysis = analyse(results)
const text = describeVerdicts(results, analysis, new Writable())
const output = runOutput(results, analysis, { experiment: 'full', directory: '/tmp', report: '/tmp/report.html', exitCode: 0 })

test('a terminal states of each promise how it is read, what was promised and found, and what became of it', t => {
  t.regex(text, /^Promises: \d of 6 claims met/m)
  const [, table = ''] = /^Promises: [^\n]*\n([^]*?)\n\n/m.exec(text) ?? []
  t.regex(table, /^promise +read as +promised +found \[95% interval\] +outcome/)
  t.regex(table, /connection set-up 10 times faster \(500 to 50 ms\) +first request where the first address is dead, p99 +at least 90% less +-[\d.]+% \[-[\d.]+, -[\d.]+\] in simulation +(?:met|partly met|not met|open)/)
  t.regex(table, /messages of 8 kB +at least 0.8% more +[^\n]* on real peers +open/)
  // Each promise once, above its readings.
  t.is(table.match(/connection set-up 10 times faster/g)?.length, 1)
})

test('and a sentence for each module and the full stack', t => {
  const [, sentences = ''] = /^Modules\n([^]*?)\n\n/m.exec(text) ?? []
  t.deepEqual(sentences.split('\n').map(line => line.split(':')[0]), ['Connection pool', 'Message batching', 'Bandwidth manager', 'Adaptive timeouts', 'Network health monitor', 'Full stack'])
})

test('JSON has the same promises and sentences, with numbers', t => {
  t.deepEqual(output.claims.map(({ outcome }) => outcome), analysis.claims.map(({ outcome }) => outcome))
  const [first] = output.claims
  t.like(first, { case: 'address-dead', metric: 'request', arm: 'full', target: { change: -0.9 } })
  t.deepEqual(first.found.map(({ wire }) => wire), ['sim', 'stack', 'tcp'])
  const [{ baselineMean = NaN, armMean, found: { estimate } }] = first.found
  t.true(Math.abs(armMean / baselineMean - 1 - estimate) < 1e-9)
  t.is(output.claims[5].found[0].wire, 'tcp')
  t.is(output.modules.length, 6)
  t.true(output.modules.every(({ sentence }) => text.includes(sentence)))
})

test('an experiment without promises or modules says nothing of them', t => {
  const plain = syntheticResults({ simSeeds: 2, tcpSeeds: 0 })
  const found = describeVerdicts(plain, analyse(plain), new Writable())
  t.notRegex(found, /Promises|Modules/)
})
