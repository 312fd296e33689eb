import test from 'ava'
import { analyse } from '../../src/report/analysis.ts'
import { renderReport } from '../../src/report/html.ts'
import { methodSentences } from '../../src/report/method-sentences.ts'
import { moduleSentence } from '../../src/report/module-sentences.ts'
import { moduleVerdicts } from '../../src/report/module-verdicts.ts'
import { headline } from '../../src/report/headline.ts'
import { lowerFirst } from '../../src/report/sentences.ts'
import { fullResults, largeResults } from './fixtures/full.ts'

const results = fullResults()
const analysis = analyse(results)
const report = await renderReport(results, analysis)
const sentences = new Map(moduleVerdicts(results, analysis).map((verdict) => [verdict.subject, moduleSentence(verdict)]))

function section (id: string): string {
  return new RegExp(`<h2 id="${id}">[^]*?</section>`).exec(report)?.[0] ?? ''
}

test('each module alone and the full stack have a sentence, with gains, costs and what is lost where nothing can be gained', (t) => {
  t.deepEqual([...sentences.keys()], ['connectionPool', 'messageBatching', 'bandwidthManager', 'adaptiveTimeouts', 'networkHealth', 'fullStack'])
  // Two cases with two goals each stand outside sweeps and have something to gain; each has one cost.
  t.regex(sentences.get('connectionPool') ?? '', /^Connection pool: improved 1 of 4 goals \(most, which was held to no rival: first address dead, request, p99 -9[23](\.\d)?% \[.*\]\), .*; costs: no meaningful change in 2; where nothing can be gained, nothing is lost in 2 comparisons\.$/)
  t.regex(sentences.get('adaptiveTimeouts') ?? '', /; costs: more in 2 of 2 comparisons \(.*attempts a request \+(?:19|20)/)
  t.regex(sentences.get('adaptiveTimeouts') ?? '', /where nothing can be gained, worse or dearer in 1 of 2 comparisons \(idle link, attempts a request \+(?:19|20)/)
  t.true([...sentences.values()].every((sentence) => report.includes(sentence.slice(0, sentence.indexOf(':')))))
})

test('the headline is about the full stack: goals with those of sweeps, then costs, cases without gain, and the largest gain', (t) => {
  // A fifth of the requests fail in a brown-out: its p99 is a deadline. Two goals in two cases, five sizes and nine places in the grid; attempts in two cases and the delay of five sizes.
  t.regex(headline(results, analysis), /^Full stack against plain libp2p: \d+ of 18 goals better, none worse(, \d+ inconclusive)?, 1 not measured \(too much failed\); 7 of 7 costs dearer; worse in 1 of 2 comparisons where nothing can be gained; largest gain, which was held to no rival: first address dead, request, p99: .* in simulation\.$/)
})

test('promises stand with their outcomes as words, and other wires beside them', (t) => {
  const promises = section('promises')
  t.regex(promises, /3 of 6 claims met, 1 partly met, 1 not met, 1 open/)
  t.is(promises.match(/<\/span> partly met<\/span>/g)?.length, 1)
  t.regex(promises, /real: met, −9[23]/)
  // One names the wire that it is about.
  t.is(promises.match(/, read on real peers</g)?.length, 1)
})

test('costs are marked as costs and cost more or less; they neither improve nor regress', (t) => {
  const effects = section('effects')
  const [cost] = effects.match(/<tbody>(?:(?!<\/tbody>)[^])*Attempts a request<\/b>[^]*?<\/tbody>/) ?? ['']
  t.regex(cost, /<span class="badge same">cost<\/span>/)
  t.regex(cost, /costs more/)
  t.notRegex(cost, /improved|regressed/)
  t.true(effects.indexOf('Failed requests') < effects.indexOf('Attempts a request'))
  t.regex(effects, /nothing to gain for any module here: what it costs/)
})

test('cases of sweeps are drawn along their factors and left out of effects, distributions and timelines', (t) => {
  for (const id of ['effects', 'distributions', 'timeline']) {
    t.notRegex(section(id), /Messages of 32 B|10 ms, 0% loss/, id)
  }
  const [one, two] = ['along-message-size', 'along-grid'].map(section)
  t.is(one.match(/<figure /g)?.length, 2)
  t.is(one.match(/<table class="heat">/g)?.length, 2)
  // One metric, three levels of loss, two arms beside the baseline.
  t.is(two.match(/class="panel"/g)?.length, 3)
  t.is(two.match(/<table class="heat">/g)?.length, 2)
  t.regex(two, /<td class="better" style="--depth:\d+%"><span aria-hidden="true">✓<\/span> −\d+%<span class="aside">, improved<\/span><\/td>/)
  t.regex(one, /All comparisons of the sweep/)
})

test('what a tool tip of a sweep says stands in the table of numbers', (t) => {
  const tips = [...section('along-message-size').matchAll(/<(?:path|use) [^>]*data-tip="([^"]+)"/g)].map(([, tip]) => tip)
  t.true(tips.length > 10)
  const text = section('along-message-size')
  for (const tip of tips) {
    const value = tip.slice(tip.indexOf(': ') + 2).replaceAll('-', '−')
    t.true(text.includes(`<td>${value}</td>`), tip)
  }
})

test('the page says how seeds were chosen, what was cut and over how many comparisons p-values are corrected', (t) => {
  const text = methodSentences(results, analysis).join(' ')
  t.regex(text, /^20 seeds in simulation, 3 seeds on the stack and 3 seeds on real peers;/)
  t.regex(text, /was found on the way: more were added while an effect was known less precisely than ±5% \(half of a 95% interval\), up to 40\. first address dead, request, p99 of Full stack: ±[\d.]+% after 18 seeds; brown-out, failed requests of Full stack: ±[\d.]+% after 20 seeds, which is not reached\./)
  t.regex(text, /left out: brown-out, the first 2 s\. Of the other cases every sample that was recorded counts\./)
  // In simulation 6 arms in 2 x 3 + 2 metrics, 2 arms in 5 x 2 and in 9 x 1.
  t.regex(text, /over all 86 comparisons in simulation/)
  t.true(report.includes('was found on the way'))
})

test('the page says that real peers had their arms in a drawn order, where they had, and which where they had not all', (t) => {
  const drawn = { ...results, run: { ...results.run, armOrder: 'drawn' as const } }
  t.regex(methodSentences(drawn, analysis)[0], /, and on real peers begin in an order drawn for each seed\.$/)
  t.regex(methodSentences(results, analysis)[0], /the same arrivals\.$/)
  const [first, ...others] = results.run.experiment.cases
  const some = { ...results, run: { ...results.run, experiment: { ...results.run.experiment, cases: [{ ...first, realArms: ['plain', 'full'] }, ...others] } } }
  t.true(methodSentences(some, analysis).includes(`Real peers have some arms only in ${lowerFirst(first.title)} (Plain libp2p, Full stack).`))
})

test('where no warm-up is declared, the page claims no more than that what was recorded counts', (t) => {
  const cases = results.run.experiment.cases.map(({ warmUpMs: _none, ...theCase }) => theCase)
  const undeclared = { ...results, run: { ...results.run, experiment: { ...results.run.experiment, cases } } }
  t.true(methodSentences(undeclared, analysis).includes('No warm-up is cut from what was recorded: hosts that wait for the network to settle begin to record after that.'))
})

test('where no comparison can be significant by the number of seeds alone, the page says so and how many it takes', (t) => {
  const text = methodSentences(results, analysis).join(' ')
  // Real peers have the 86 comparisons but for the grid's 18: 2^(1 - 11) times 68 is 6.6%, 2^(1 - 12) times 68 is 3.3%.
  t.regex(text, /3 seeds on real peers are too few for any of 68 comparisons to be significant, however clear the effect: it takes 12\./)
  t.notRegex(text, /in simulation are too few/)
})

test('gains are drawn against costs in each case that has both', (t) => {
  t.deepEqual([...section('trade-off').matchAll(/<figure id="([^"]+)"/g)].map(([, id]) => id), ['trade-off-address-dead', 'trade-off-brown-out', 'trade-off-idle-link'])
})

test('an experiment of 60 cases, 5 arms and 3 wires makes a report under 2 MB that says what it does not draw', async (t) => {
  t.timeout(120_000)
  const large = largeResults(60)
  const text = await renderReport(large, analyse(large))
  t.true(Buffer.byteLength(text) < 2e6, String(Buffer.byteLength(text)))
  t.regex(text, /Drawn are the 10 with the largest effects of 120 distributions/)
})
