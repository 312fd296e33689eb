import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import test from 'ava'
import { analyse } from '../../src/report/analysis.ts'
import { renderReport } from '../../src/report/html.ts'
import { renderSummary } from '../../src/report/summary.ts'
import type { ResultsData } from '../../src/results/data.ts'
import { fullResults } from './fixtures/full.ts'
import { hasBrowser, Pages } from './fixtures/pages.ts'

const RULES = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'best-practice']
const SCREENS = [['light', 1200], ['dark', 1200], ['light', 390], ['dark', 390]] as const

const inBrowser = hasBrowser ? test.serial : test.serial.skip
const results = some(fullResults({ simSeeds: 6, stackSeeds: 2, tcpSeeds: 2 }))
const analysis = analyse(results)

/** Fewer cases have all kinds of elements, and axe looks at each. */
function some ({ run, units }: ResultsData): ResultsData {
  const kept = new Set(['address-dead', 'idle-link', 'size-32', 'size-8192', 'grid-10-0', 'grid-160-5'])
  const { experiment } = run
  const precision = { halfWidth: 0.05, maximumSeeds: 40, targets: experiment.precision?.targets.filter(({ case: name }) => kept.has(name)) ?? [] }
  const about = <T extends { readonly case: string }>(one: T): boolean => kept.has(one.case)
  return {
    units: units.filter(about),
    run: {
      ...run,
      experiment: {
        ...experiment,
        cases: experiment.cases.filter(({ name }) => kept.has(name)),
        promises: experiment.promises?.filter(about) ?? [],
        precision
      },
      precision
    }
  }
}

let pages: Pages
const files = { report: '', summary: '' }

test.before(async () => {
  pages = await Pages.start()
  files.report = await pages.write('report', await renderReport(results, analysis))
  files.summary = await pages.write('summary', await renderSummary([{ results, analysis, href: 'report.html' }]))
})

test.after.always(async () => {
  await pages.close()
})

for (const name of ['report', 'summary'] as const) {
  inBrowser(`axe finds nothing to complain of in the ${name}, light and dark, on desk and telephone, all unfolded`, async (t) => {
    t.timeout(300_000)
    const axe = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
    for (const [colorScheme, width] of SCREENS) {
      // The page's policy forbids scripts, and with them axe.
      const page = await pages.open(files[name], { colorScheme, viewport: { width, height: 900 }, bypassCSP: true }, true)
      await page.evaluate(axe)
      const violations = await page.evaluate(async (values) => {
        const { axe: loaded } = globalThis as unknown as { axe: { run: (options: unknown) => Promise<{ violations: Array<{ id: string, nodes: Array<{ html: string, failureSummary: string }> }> }> } }
        const found = await loaded.run({ runOnly: { type: 'tag', values }, resultTypes: ['violations'] })
        return found.violations.map(({ id, nodes }) => `${id}: ${nodes.length} times, as in ${nodes[0].html.slice(0, 200)}: ${nodes[0].failureSummary}`)
      }, RULES)
      t.deepEqual(violations, [], `${colorScheme}, ${width}`)
      t.is(await page.evaluate(() => document.documentElement.scrollWidth), width)
      await page.close()
    }
  })
}

inBrowser('the keyboard reaches the results first, every link, every fold and whatever scrolls', async (t) => {
  const page = await pages.open(files.report, { viewport: { width: 390, height: 900 } }, false)
  await page.keyboard.press('Tab')
  t.is(await page.evaluate(() => document.activeElement?.textContent), 'Skip to the results')
  await page.keyboard.press('Enter')
  t.is(await page.evaluate(() => document.activeElement?.id), 'content')
  const unreachable = await page.evaluate(() => {
    document.querySelectorAll('details').forEach((one) => { one.open = true })
    return [...document.querySelectorAll<HTMLElement>('*')]
      .filter((one) => /auto|scroll/.test(getComputedStyle(one).overflowX) && one.scrollWidth > one.clientWidth && one.tabIndex < 0 && one.querySelector('a, summary, [tabindex="0"]') === null)
      .map((one) => one.outerHTML.slice(0, 100))
  })
  t.deepEqual(unreachable, [])
  await page.close()
})

inBrowser('on paper everything is light, unfolded where it says more than a picture, and no chart is cut', async (t) => {
  const page = await pages.open(files.report, { colorScheme: 'dark', viewport: { width: 700, height: 900 } }, false)
  await page.emulateMedia({ media: 'print' })
  const { background, cut, hidden } = await page.evaluate(() => ({
    background: getComputedStyle(document.body).backgroundColor,
    cut: [...document.querySelectorAll('.chart svg')].filter((one) => one.getBoundingClientRect().right > document.documentElement.clientWidth + 1).length,
    hidden: [...document.querySelectorAll<HTMLElement>('header details dl')].filter((one) => !one.checkVisibility()).length
  }))
  t.is(background, 'rgb(253, 253, 252)')
  t.is(cut, 0)
  t.is(hidden, 0)
  t.true((await page.pdf()).byteLength > 0)
  await page.close()
})
