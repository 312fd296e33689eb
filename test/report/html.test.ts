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
  await writeFile(file, report)
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
    await page.locator('#cdf-silent-death-request [aria-roledescription=point]').first().hover()
    t.regex(await page.locator('#tip').innerText(), /p50 .*ms/)
    t.deepEqual(complaints, [])
    await page.close()
  }
  t.is(backgrounds.size, 2)
})
