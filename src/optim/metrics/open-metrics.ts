import type { HistogramFamily, MetricFamily } from './family.ts'

/** The content type that goes with the text. */
export const OPEN_METRICS_CONTENT_TYPE = 'application/openmetrics-text; version=1.0.0; charset=utf-8'

/**
 * The families' values now, as OpenMetrics 1.0 text (prometheus.io/docs/specs/om/open_metrics_spec), for an application that
 * serves it itself. No `_created` samples, which are optional and need the date.
 *
 * Names that the format does not allow, or that occur twice, are bugs of whoever wrote the families.
 */
export function openMetricsText (families: readonly MetricFamily[]): string {
  const names = new Set<string>()
  let text = ''
  for (const family of families) {
    checkNames(family, names)
    text += `# TYPE ${family.name} ${family.type}\n`
    if (family.unit !== undefined) {
      text += `# UNIT ${family.name} ${family.unit}\n`
    }
    text += `# HELP ${family.name} ${escaped(family.help)}\n`
    text += samplesOf(family)
  }
  return `${text}# EOF\n`
}

function samplesOf (family: MetricFamily): string {
  if (family.type === 'histogram') {
    return bucketsOf(family)
  }
  const name = family.type === 'counter' ? `${family.name}_total` : family.name
  if ('value' in family) {
    return `${name} ${numberText(family.value())}\n`
  }
  let text = ''
  for (const [label, value] of family.samples()) {
    text += `${name}{${family.label}="${escaped(label)}"} ${numberText(value)}\n`
  }
  return text
}

function bucketsOf ({ name, histogram }: HistogramFamily): string {
  const counts = histogram.cumulativeCounts()
  const buckets = counts.map((count, index) => `${name}_bucket{le="${index < histogram.bounds.length ? canonicalNumber(histogram.bounds[index]) : '+Inf'}"} ${count}\n`)
  return `${buckets.join('')}${name}_count ${histogram.count}\n${name}_sum ${numberText(histogram.sum)}\n`
}

/** Label values and help, as the ABNF's escaped-string; what is not Unicode (half a surrogate pair) becomes U+FFFD. */
function escaped (text: string): string {
  return text.toWellFormed().replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll('"', '\\"')
}

function numberText (value: number): string {
  return Number.isFinite(value) || Number.isNaN(value) ? String(value) : value > 0 ? '+Inf' : '-Inf'
}

/** A bound as the specification wants it, "Canonical Numbers": as Go's %g writes it, with `.0` where it would look like an integer. */
function canonicalNumber (value: number): string {
  const [mantissa, exponentText] = value.toExponential().split('e')
  const exponent = Number(exponentText)
  if (exponent < -4 || exponent >= 6) {
    return `${mantissa}e${exponent < 0 ? '-' : '+'}${String(Math.abs(exponent)).padStart(2, '0')}`
  }
  const text = String(value)
  return text.includes('.') ? text : `${text}.0`
}

/** Of metrics and of labels; colons and underscores in front are reserved, and two in a row are one to Prometheus' client. */
const NAME = /^[a-zA-Z][a-zA-Z0-9]*(?:_[a-zA-Z0-9]+)*$/
const SUFFIXES = { gauge: [''], counter: ['_total', '_created'], histogram: ['_bucket', '_count', '_sum', '_created'] } as const

function checkNames (family: MetricFamily, names: Set<string>): void {
  const { name, type, unit } = family
  if (!NAME.test(name) || (unit !== undefined && !name.endsWith(`_${unit}`)) || ('label' in family && !NAME.test(family.label))) {
    throw new Error(`OpenMetrics does not allow the names of the metric '${name}'`)
  }
  for (const taken of new Set(['', ...SUFFIXES[type]])) {
    if (names.has(name + taken)) {
      throw new Error(`two metrics are named '${name}${taken}'`)
    }
    names.add(name + taken)
  }
}
