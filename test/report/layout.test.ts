import test from 'ava'
import { analyse } from '../../src/report/analysis.ts'
import { renderReport } from '../../src/report/html.ts'
import { renderSummary } from '../../src/report/summary.ts'
import { fullResults, tenArmResults } from './fixtures/full.ts'
import { hasBrowser, Pages } from './fixtures/pages.ts'

const inBrowser = hasBrowser ? test.serial : test.serial.skip

let pages: Pages
const files = { report: '', summary: '' }

test.before(async () => {
  pages = await Pages.start()
  const tenArms = tenArmResults()
  files.report = await pages.write('report', await renderReport(tenArms, analyse(tenArms)))
  const results = fullResults({ simSeeds: 6, stackSeeds: 0, tcpSeeds: 2 })
  const analysis = analyse(results)
  // Three, so that each module has as many experiments to tell of.
  files.summary = await pages.write('summary', await renderSummary(['first', 'second', 'third'].map((name) => ({ results, analysis, href: `${name}.html` }))))
})

test.after.always(async () => {
  await pages.close()
})

for (const name of ['report', 'summary'] as const) {
  for (const width of [1200, 970, 390]) {
    inBrowser(`the ${name} is no wider than a screen of ${width} pixels, all unfolded, ten arms and three experiments or not`, async (t) => {
      t.timeout(120_000)
      const page = await pages.open(files[name], { viewport: { width, height: 900 } }, true)
      t.is(await page.evaluate(() => document.documentElement.scrollWidth), width)
      await page.close()
    })
  }
}

inBrowser('whatever is said of a term stands beside it, each on a line of its own', async (t) => {
  const page = await pages.open(files.summary, { viewport: { width: 1200, height: 900 } }, false)
  const { count, places, narrowest } = await page.evaluate(() => {
    const [modules] = document.querySelectorAll('section dl')
    const [said, terms] = ['dd', 'dt'].map((kind) => [...modules.querySelectorAll(kind)].map((one) => one.getBoundingClientRect()))
    return { count: said.length / terms.length, places: Math.min(...said.map(({ left }) => left)) - Math.max(...terms.map(({ right }) => right)), narrowest: Math.min(...said.map(({ width }) => width)) }
  })
  t.true(count > 2)
  t.true(places >= 0, `${places}`)
  t.true(narrowest > 500, `${narrowest}`)
  await page.close()
})

inBrowser('a link of the navigation stays where it is when it is pointed at, and shows it', async (t) => {
  const page = await pages.open(files.report, { viewport: { width: 1200, height: 900 } }, false)
  const link = page.locator('nav a').first()
  await link.scrollIntoViewIfNeeded()
  const before = await link.boundingBox()
  await link.hover()
  t.deepEqual(await link.boundingBox(), before)
  t.is(await link.evaluate((one) => getComputedStyle(one).textDecorationLine), 'underline')
  await page.close()
})

inBrowser('marks tell what they are by keyboard and by finger as by mouse', async (t) => {
  const page = await pages.open(files.report, { viewport: { width: 390, height: 900 }, hasTouch: true }, false)
  const tip = page.locator('#tip')
  const chart = page.locator('#distributions ~ .figures .chart').first()
  const told = await chart.locator('[data-tip]').evaluateAll((marks) => marks.map((mark) => mark.getAttribute('data-tip')))
  await chart.focus()
  await page.keyboard.press('ArrowRight')
  t.is(await tip.textContent(), told[0])
  await page.keyboard.press('ArrowRight')
  t.is(await tip.textContent(), told[1])
  await page.keyboard.press('Escape')
  t.false(await tip.isVisible())
  const mark = chart.locator('[data-tip]').last()
  await mark.scrollIntoViewIfNeeded()
  const box = await mark.boundingBox()
  // Half a finger beside it.
  await page.touchscreen.tap((box?.x ?? 0) + (box?.width ?? 0) / 2, (box?.y ?? 0) + (box?.height ?? 0) / 2 - 9)
  t.true(await tip.isVisible())
  t.true(told.includes(await tip.textContent()))
  await page.keyboard.press('Escape')
  await mark.hover({ force: true })
  t.true(await tip.isVisible())
  await page.close()
})

inBrowser('on paper no table is cut', async (t) => {
  t.timeout(120_000)
  for (const url of [files.report, files.summary]) {
    // The width that an A4 sheet leaves between its margins.
    const page = await pages.open(url, { viewport: { width: 718, height: 900 } }, false)
    await page.emulateMedia({ media: 'print' })
    const { tables, cut } = await page.evaluate(() => {
      const visible = [...document.querySelectorAll('table')].filter((one) => one.checkVisibility())
      return { tables: visible.length, cut: visible.filter((one) => one.getBoundingClientRect().right > document.documentElement.clientWidth + 1).map((one) => `${one.className}: ${one.textContent?.slice(0, 100)}`) }
    })
    t.true(tables > 1)
    t.deepEqual(cut, [])
    await page.close()
  }
})
