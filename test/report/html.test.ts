import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import test from 'ava'
import { chromium } from 'playwright-core'
import { analyse } from '../../src/report/analysis.ts'
import { renderReport } from '../../src/report/html.ts'
import type { ResultsData } from '../../src/results/data.ts'
import { syntheticResults } from './fixtures/results.ts'

const CHROMIUM = '/usr/bin/chromium'

async function reportOf (results: ResultsData): Promise<string> {
  return await renderReport(results, analyse(results))
}

const results = syntheticResults()
const report = await reportOf(results)

test('the report is one file under 2 MB that names nothing outside itself', (t) => {
  t.true(Buffer.byteLength(report) < 2e6)
  t.notRegex(report, /(?:src|href)="(?!#)/)
  t.notRegex(report, /@import|url\((?!#)/)
})

test('its policy allows the one script by its hash', (t) => {
  const script = /<script>([\s\S]*?)<\/script>/.exec(report)?.[1] ?? ''
  t.true(report.includes(`script-src 'sha256-${createHash('sha256').update(script).digest('base64')}'`))
  t.true(report.includes("default-src 'none'"))
})

test('sections come in the order in which one reads them', (t) => {
  const ids = [...report.matchAll(/<h2 id="([^"]+)"/g)].map(([, id]) => id)
  t.deepEqual(ids, ['effects', 'distributions', 'timeline', 'agreement', 'thresholds', 'holes', 'environment', 'data'])
  t.true(report.indexOf('class="verdict"') < report.indexOf('<h2'))
})

test('how late packets were between real peers stands beside the machine: in the middle run and in the worst', async (t) => {
  let meanMs = 0
  const units = results.units.map((unit) => unit.wire === 'tcp' ? { ...unit, packetLateness: { meanMs: ++meanMs, p99Ms: 2 * meanMs } } : unit)
  const { case: theCase, arm, seed } = units.findLast(({ wire }) => wire === 'tcp')!
  const page = await reportOf({ ...results, units })
  t.true(page.includes(`late by ${(meanMs + 1) >> 1} ms in the mean (p99 ${2 * ((meanMs + 1) >> 1)} ms) in the middle of ${meanMs} runs, by ${meanMs} ms in the mean (p99 ${2 * meanMs} ms) in the worst: ${theCase}, ${arm}, seed ${seed}`), /Packets of real peers<\/dt><dd>(.*?)<\/dd>/.exec(page)?.[1])
  t.false(report.includes('Packets of real peers'))
})

test('how busy the machine was beside real peers stands there, too', async (t) => {
  const real = results.units.filter(({ wire }) => wire === 'tcp')
  const units = results.units.map((unit) => unit.wire === 'tcp' ? { ...unit, busyShare: unit === real[real.length - 1] ? 0.8 : 0.4 } : unit)
  const { case: theCase, arm, seed } = real[real.length - 1]
  const page = await reportOf({ ...results, units })
  t.true(page.includes(`busy for 40% of their time in the middle of ${real.length} runs, for 80% in the busiest: ${theCase}, ${arm}, seed ${seed}`), /Processors beside real peers<\/dt><dd>(.*?)<\/dd>/.exec(page)?.[1])
  t.false(report.includes('Processors beside real peers'))
})

/** What the section says above its figures, and each figure's description and caption. */
function timelineOf (page: string): { readonly sentence: string, readonly figures: string[] } {
  const section = page.slice(page.indexOf('id="timeline"'), page.indexOf('id="agreement"'))
  return { sentence: /<p>(.*?)<\/p>/.exec(section)?.[1] ?? '', figures: section.match(/<figure [\s\S]*?<\/figure>/g) ?? [] }
}

test('the timelines say the seed that they show: one above all, or, where a run of the first has failed, each its own', async (t) => {
  const seeds = results.run.plan.find(({ wire }) => wire === 'sim')?.seeds ?? []
  const [first, second] = seeds
  const whole = timelineOf(report)
  t.is(whole.sentence, `One run of each arm, seed ${first}.`)
  t.true(whole.figures.length > 1)
  t.true(whole.figures.every((figure) => figure.includes(`seed ${first}.`)))
  const failing = (caseName?: string): ResultsData => ({
    run: results.run,
    units: results.units.map((unit) => unit.wire === 'sim' && unit.seed === first && unit.arm === 'pool' && (caseName ?? unit.case) === unit.case
      ? { ...unit, error: { code: 'ERR_TIMEOUT', message: 'late' } }
      : unit)
  })
  const allElsewhere = timelineOf(await reportOf(failing()))
  t.is(allElsewhere.sentence, `One run of each arm, seed ${second}.`)
  t.true(allElsewhere.figures.every((figure) => figure.includes(`seed ${second}.`)))
  const oneElsewhere = timelineOf(await reportOf(failing('warm-request')))
  t.regex(oneElsewhere.sentence, /^One run of each arm, with the seed that is below each figure\.$/)
  for (const figure of oneElsewhere.figures) {
    const seed = figure.includes('id="time-warm-request') ? second : first
    t.true(figure.includes(`seed ${seed}.`))
    t.regex(figure, new RegExp(`<figcaption>Seed ${seed}\\.`))
  }
})

test('no id stands twice, and each chart has a description and its numbers', (t) => {
  const ids = [...report.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id)
  t.is(new Set(ids).size, ids.length)
  const figures = report.match(/<figure [\s\S]*?<\/figure>/g) ?? []
  // Distributions, timelines and overlays of the four cases that compare arms.
  t.is(figures.length, 12)
  t.true(figures.every((figure) => /role="img" aria-label="[^"]{40,}"/.test(figure) && figure.includes('<details>') && figure.includes('<svg')))
})

test('the same results give the same bytes', async (t) => {
  // Not t.is: a difference of half a megabyte helps nobody.
  t.true(await reportOf({ run: results.run, units: results.units.toReversed() }) === report)
})

test('text of results is escaped wherever it stands', async (t) => {
  const evil = '</script><img src=x onerror=alert(1)>"\''
  const { run, units } = syntheticResults({ simSeeds: 3, tcpSeeds: 1 })
  const poison = <T extends { readonly title: string, readonly description: string }>(item: T): T => ({ ...item, title: evil, description: evil })
  const text = await reportOf({
    run: {
      ...run,
      command: evil,
      parameters: { [evil]: evil },
      versions: { [evil]: evil },
      machine: { ...run.machine, cpu: evil },
      experiment: {
        ...run.experiment,
        title: evil,
        question: evil,
        expected: evil,
        arms: run.experiment.arms.map(poison),
        cases: run.experiment.cases.map((one) => ({ ...poison(one), metrics: one.metrics.map((metric) => ({ ...metric, title: evil })) }))
      }
    },
    units: units.map((unit, index) => index % 7 === 0 ? { ...unit, error: { code: evil, message: evil } } : unit)
  })
  t.false(text.includes('<img'))
  t.is(text.match(/<\/script>/g)?.length, 2)
})

const threeWires = syntheticResults({ simSeeds: 4, stackSeeds: 2, tcpSeeds: 2 })
const threeReport = await reportOf(threeWires)

test('three wires stand side by side: in effects, in a table of quantiles, and as three kinds of line', (t) => {
  t.regex(threeReport, /<small class="line">stack [^<]+<\/small><small class="line">real [^<]+<\/small>/)
  t.regex(threeReport, /<th scope="col">simulated<\/th><th scope="col">stack<\/th><th scope="col">real<\/th><th scope="col">simulated against stack<\/th><th scope="col">stack against real<\/th><th scope="col">simulated against real<\/th>/)
  const overlay = /<figure id="overlay-cold-dial-dial">[^]*?<\/figure>/.exec(threeReport)?.[0] ?? ''
  t.regex(overlay, /stroke-width="7"[^>]*stroke-opacity="0\.35"|stroke-opacity="0\.35"[^>]*stroke-width="7"/)
  t.regex(overlay, /stroke-dasharray="5,4"/)
  t.regex(threeReport, /<li>4 seeds in simulation<\/li><li>2 seeds on the stack<\/li><li>2 seeds on real peers<\/li>/)
})

test('the report says in words whether the simulation can be believed, by which rule, and what the difference is due to', (t) => {
  const [lead] = /<p class="lead">[^<]+<\/p>/.exec(threeReport.slice(threeReport.indexOf('id="agreement"'))) ?? ['']
  t.regex(lead, /can be believed for this question/)
  t.true(threeReport.indexOf('can be believed for this question') < threeReport.indexOf('<h2'))
  t.regex(threeReport, /<span class="badge good"><span aria-hidden="true">✓<\/span> believe<\/span>/)
  t.regex(threeReport, /Mostly due to/)
  t.regex(threeReport, /<summary>The rule<\/summary>/)
  t.notRegex(report, /Mostly due to/)
})

test('a case that only more real wires carry is shown as they ran it', async (t) => {
  const { run, units } = threeWires
  const cases = run.experiment.cases.map((one) => one.name === 'cold-dial' ? { ...one, wires: ['stack', 'tcp'] as const } : one)
  const text = await reportOf({ run: { ...run, experiment: { ...run.experiment, cases } }, units: units.filter((unit) => unit.case !== 'cold-dial' || unit.wire !== 'sim') })
  for (const id of ['cdf-cold-dial-dial', 'time-cold-dial-dial', 'overlay-cold-dial-dial']) {
    t.true(text.includes(`<figure id="${id}">`), id)
  }
  t.regex(text, /Cold dial<\/span> <b>median dial/)
})

test('one run, no real peers, or no results at all still make a report', async (t) => {
  const simulated = syntheticResults({ simSeeds: 3, tcpSeeds: 0 })
  t.regex(await reportOf(simulated), /Not validated on real peers: run <code>twinwire validate connection-setup<\/code>/)
  t.regex(await reportOf(syntheticResults({ simSeeds: 1, tcpSeeds: 1 })), /one run/)
  t.regex(await reportOf(syntheticResults({ simSeeds: 0, tcpSeeds: 5 })), /All was run on real peers/)
  const empty = await reportOf({ run: simulated.run, units: [] })
  t.regex(empty, /Nothing could be compared/)
  t.regex(empty, /51 runs failed or never ran/)
})

const inBrowser = existsSync(CHROMIUM) ? test : test.skip

inBrowser('a browser shows it, light and dark, on desk and telephone, with nothing loaded, refused or wider than the screen', async (t) => {
  t.timeout(60_000)
  const directory = await mkdtemp(join(tmpdir(), 'twinwire-report-'))
  const browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox', '--disable-gpu'] })
  t.teardown(async () => {
    await browser.close()
    await rm(directory, { recursive: true })
  })
  const file = join(directory, 'report.html')
  await writeFile(file, threeReport)
  const backgrounds = new Set<string>()
  for (const [colorScheme, width] of [['light', 1200], ['dark', 1200], ['light', 375]] as const) {
    const page = await browser.newPage({ colorScheme, viewport: { width, height: 900 } })
    const complaints: string[] = []
    page.on('console', (message) => complaints.push(message.text()))
    page.on('pageerror', (error) => complaints.push(error.message))
    page.on('request', (request) => {
      if (request.url() !== pathToFileURL(file).href) {
        complaints.push(request.url())
      }
    })
    await page.goto(pathToFileURL(file).href)
    t.is(await page.evaluate(() => document.documentElement.scrollWidth), width)
    backgrounds.add(await page.evaluate(() => getComputedStyle(document.body).backgroundColor))
    await page.locator('#cdf-silent-death-request [data-tip]').first().hover()
    t.regex(await page.locator('#tip').innerText(), /p50 .*ms/)
    t.deepEqual(complaints, [])
    await page.close()
  }
  t.is(backgrounds.size, 2)
})
