import { wiresOf } from './data.ts'
import type { ResultsData } from './data.ts'
import { runValues } from './run-values.ts'

const HEADER = ['wire', 'case', 'arm', 'seed', 'metric', 'n', 'failures', 'mean', 'p50', 'p90', 'p99', 'maximum', 'value']

/** The text of `summary.csv` (RFC 4180, but lines end in LF): a line for each run and metric. */
export function encodeSummary (results: ResultsData): string {
  const lines = [HEADER.join(',')]
  for (const wire of wiresOf(results)) {
    for (const { name: caseName, metrics } of results.run.experiment.cases) {
      for (const metric of metrics) {
        const byArm = runValues(results, wire, caseName, metric)
        for (const { name: arm } of results.run.experiment.arms) {
          for (const { seed, samples, failures, mean, p50, p90, p99, maximum, value } of byArm.get(arm) ?? []) {
            lines.push([wire, caseName, arm, seed, metric.name, samples, failures, mean, p50, p90, p99, maximum, value].map(field).join(','))
          }
        }
      }
    }
  }
  return `${lines.join('\n')}\n`
}

function field (value: string | number): string {
  const text = String(value)
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}
