import { readdir, readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { chromium } from 'playwright-core'
import type { Browser } from 'playwright-core'
import { hashOfPage, readLookedAt, writeLookedAt } from './looked-at.ts'

/**
 * Opens every published report in Chromium, light and dark, as wide as a desk and as a telephone, unfolds all of it and
 * has axe look at it. The exit code is 1 where axe finds anything, something is wider than the screen, or the page has an
 * error. What was found well is kept in `reports/looked-at.json`, to which `npm run readme:check` holds the pages. Some ten
 * minutes of two cores; names of pages, as `memory.html`, look at these alone.
 */

const RULES = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'best-practice']
const SCREENS = [['light', 1200], ['dark', 1200], ['light', 390], ['dark', 390]] as const

const reports = new URL('../reports/', import.meta.url)
const axe = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
const named = process.argv.slice(2)
const published = (await readdir(reports)).filter(file => file.endsWith('.html'))
const pages = named.length > 0 ? named : published
const lookedAt = { ...await readLookedAt(reports) }
const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox', '--disable-gpu'] })
try {
  for (const page of pages) {
    const problems = await Promise.all(SCREENS.map(async ([colorScheme, width]) => (await look(browser, page, colorScheme, width)).map(problem => `${colorScheme}, ${width}: ${problem}`)))
    console.log(`${page}: ${problems.flat().length === 0 ? 'well' : `\n  ${problems.flat().join('\n  ')}`}`)
    if (problems.flat().length === 0) {
      lookedAt[page] = await hashOfPage(reports, page)
    } else {
      delete lookedAt[page]
      process.exitCode = 1
    }
  }
  await writeLookedAt(reports, Object.fromEntries(Object.entries(lookedAt).filter(([page]) => published.includes(page))))
} finally {
  await browser.close()
}

async function look (browser: Browser, file: string, colorScheme: 'light' | 'dark', width: number): Promise<string[]> {
  // The page's policy forbids scripts, and with them axe.
  const page = await browser.newPage({ colorScheme, viewport: { width, height: 900 }, bypassCSP: true })
  const errors: string[] = []
  page.on('pageerror', error => errors.push(error.message))
  await page.goto(new URL(file, reports).href)
  await page.evaluate(() => { document.querySelectorAll('details').forEach(one => { one.open = true }) })
  await page.evaluate(axe)
  const violations = await page.evaluate(async values => {
    const { axe: loaded } = globalThis as unknown as { axe: { run: (options: unknown) => Promise<{ violations: Array<{ id: string, nodes: Array<{ html: string }> }> }> } }
    const found = await loaded.run({ runOnly: { type: 'tag', values }, resultTypes: ['violations'] })
    return found.violations.map(({ id, nodes }) => `${id}: ${nodes.length} times, as in ${nodes[0].html.slice(0, 200)}`)
  }, RULES)
  const widest = await page.evaluate(() => document.documentElement.scrollWidth)
  await page.close()
  return [...errors, ...violations, ...widest > width ? [`${widest} px wide`] : []]
}
