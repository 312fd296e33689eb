import { parseArgs } from 'node:util'
import { writeMarkedSection } from './marked-section.ts'
import { markdown } from './validate-kernel/tables.ts'
import { binomialBand, coverageOf, isAsStated } from './validate-statistics/coverage.ts'
import type { IntervalKind } from './validate-statistics/coverage.ts'
import { DISTRIBUTIONS } from './validate-statistics/distributions.ts'
import { stoppingFigures } from './validate-statistics/stopping.ts'
import { verdictRates } from './validate-statistics/verdicts.ts'

/**
 * The statistics against distributions of which the truth is known: what share of 95% intervals holds it, how often a
 * verdict is a false alarm or finds what is there, and what stopping for precision does to both. With --write also
 * docs/statistics.md. There are no targets: the exit code is 0 whatever is found. The same figures each time.
 */
const USAGE = 'usage: npm run validate:statistics -- [--write] [--repetitions <n>]\n'

/** Where the generated part of docs/statistics.md stands. */
const BEGIN = '<!-- figures of npm run validate:statistics -- --write -->'
const END = '<!-- end of figures -->'

const RUNS = [8, 20, 50]
const KINDS: readonly IntervalKind[] = ['mean', 'median', 'relative', 'agreement']
const [normal, exponential, lognormal, share] = DISTRIBUTIONS

function main (repetitions: number): string[] {
  return [
    `${repetitions} repetitions each: of true 95% intervals ${percent(0.95 - binomialBand(0.95, repetitions))} to ${percent(0.95 + binomialBand(0.95, repetitions))} hold the truth in 99.9% of cases. What is outside is marked: - holds it too seldom, + too often.`,
    '### Coverage of 95% intervals',
    markdown(coverageTable(repetitions)),
    '### Verdicts',
    markdown(verdictTable(repetitions)),
    '### Stopping for precision',
    markdown(stoppingTable(repetitions))
  ]
}

function coverageTable (repetitions: number): string[][] {
  const rows = DISTRIBUTIONS.flatMap(distribution => RUNS.map(runs => {
    progress(`coverage, ${distribution.name}, ${runs} runs`)
    return [distribution.name, String(runs), ...KINDS.map(kind => {
      // Samples that only succeed or fail have no median worth comparing.
      if (kind === 'agreement' && distribution === share) {
        return ''
      }
      const coverage = coverageOf(kind, distribution, runs, repetitions)
      return `${percent(coverage)}${isAsStated(coverage, repetitions) ? '' : coverage < 0.95 ? ' -' : ' +'}`
    })]
  }))
  return [['runs are', 'n', 'mean', 'median', 'relative change', 'agreement, p50'], ...rows]
}

function verdictTable (repetitions: number): string[][] {
  const rows = [normal, exponential, lognormal, share].flatMap(distribution => [0, -0.2, -0.4].map(change => {
    progress(`verdicts, ${distribution.name}, ${change}`)
    const { falseAlarms, first } = verdictRates({ distribution, runs: 20, comparisons: 5, minimumEffect: 0.05, change, repetitions })
    return [distribution.name, percent(change), percent(falseAlarms), percent(first.improved), percent(first.regressed), percent(first['no meaningful change']), percent(first.inconclusive)]
  }))
  return [['runs are', 'change of one in five', 'any false alarm', 'improved', 'regressed', 'no meaningful change', 'inconclusive'], ...rows]
}

function stoppingTable (repetitions: number): string[][] {
  const trials = [
    { distribution: normal, halfWidth: 0.02 }, { distribution: exponential, halfWidth: 0.15 }, { distribution: lognormal, halfWidth: 0.2 }, { distribution: share, halfWidth: 0.08 }
  ]
  const rows = trials.flatMap(({ distribution, halfWidth }) => [0, -0.2].map(change => {
    progress(`stopping, ${distribution.name}, ${change}`)
    const { coverage, significant, meanSeeds, looks, reached } = stoppingFigures({ distribution, halfWidth, firstSeeds: 20, maximumSeeds: 100, change, repetitions })
    return [
      distribution.name, percent(change), `±${percent(halfWidth)}`, `${percent(coverage)}${isAsStated(coverage, repetitions) ? '' : coverage < 0.95 ? ' -' : ' +'}`, percent(significant), meanSeeds.toFixed(0), looks.toFixed(1), percent(reached)
    ]
  }))
  return [['runs are', 'change', 'wanted', 'coverage at the end', 'p < 0.05 at the end', 'seeds, mean', 'looks, mean', 'reached'], ...rows]
}

function percent (value: number): string {
  return `${Number((value * 100).toFixed(1))}%`
}

function progress (what: string): void {
  if (process.stderr.isTTY) {
    process.stderr.write(`\r\u001b[2K${what}`)
  }
}

let given: { readonly write: boolean, readonly repetitions: number } | undefined
try {
  const { values: { write, repetitions } } = parseArgs({ options: { write: { type: 'boolean', default: false }, repetitions: { type: 'string', default: '2000' } } })
  if (!/^[1-9]\d*$/.test(repetitions)) {
    throw new Error(`--repetitions: expected a whole number from 1, found ${repetitions}`)
  }
  given = { write, repetitions: Number(repetitions) }
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n${USAGE}`)
  process.exitCode = 2
}
if (given !== undefined) {
  const sections = main(given.repetitions)
  process.stdout.write(`${sections.join('\n\n')}\n`)
  if (given.write) {
    await writeMarkedSection(new URL('../docs/statistics.md', import.meta.url), BEGIN, END, sections.join('\n\n'))
    process.stdout.write('docs/statistics.md\n')
  }
}
