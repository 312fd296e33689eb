/**
 * A strict reader of OpenMetrics 1.0 text, written from the specification's ABNF and its MUSTs, and from nothing of what
 * writes it: https://prometheus.io/docs/specs/om/open_metrics_spec/. Of types it knows gauge, counter and histogram.
 */

export interface ParsedSample {
  readonly name: string
  readonly labels: ReadonlyMap<string, string>
  readonly value: number
}

export interface ParsedFamily {
  readonly name: string
  readonly type: string
  readonly unit: string | undefined
  readonly help: string | undefined
  readonly samples: readonly ParsedSample[]
}

interface OpenFamily extends ParsedFamily {
  type: string
  unit: string | undefined
  help: string | undefined
  readonly samples: ParsedSample[]
}

// metricname and label-name; realnumber, with its three productions as one.
const METRIC_NAME = '[a-zA-Z_:][a-zA-Z0-9_:]*'
const LABEL_NAME = '[a-zA-Z_][a-zA-Z0-9_]*'
const NUMBER = /^(?:[-+]?(?:\d+(?:\.\d*)?(?:e[-+]?\d+)?|\d*\.\d+(?:e[-+]?\d+)?|inf|infinity)|nan)$/i
const DESCRIPTOR = new RegExp(`^# (TYPE|HELP|UNIT) (${METRIC_NAME}) ([^]*)$`)
const SUFFIXES: Readonly<Record<string, readonly string[]>> = { gauge: [''], counter: ['_total'], histogram: ['_bucket', '_count', '_sum'] }

export function parseOpenMetrics (bytes: Uint8Array): ParsedFamily[] {
  const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  must(text.endsWith('# EOF\n'), 'ends with # EOF and a line feed')
  const lines = text.slice(0, -'# EOF\n'.length).split('\n')
  must(lines.pop() === '', 'EOF has a line of its own')
  const families: OpenFamily[] = []
  for (const line of lines) {
    if (line.startsWith('#')) {
      readDescriptor(line, families)
    } else {
      readSample(line, families)
    }
  }
  families.forEach(checkFamily)
  checkClashes(families)
  return families
}

function readDescriptor (line: string, families: OpenFamily[]): void {
  const match = DESCRIPTOR.exec(line)
  must(match !== null, `a descriptor: ${line}`)
  const [, keyword, name, rest] = match
  const family = families.at(-1)
  if (family?.name !== name) {
    must(families.every(earlier => earlier.name !== name), `families are not interleaved: ${line}`)
    must(keyword === 'TYPE', `TYPE comes first: ${line}`)
    must(rest in SUFFIXES, `a known type: ${line}`)
    families.push({ name, type: rest, unit: undefined, help: undefined, samples: [] })
    return
  }
  must(family.samples.length === 0, `metadata comes before samples: ${line}`)
  must(keyword !== 'TYPE', `one TYPE: ${line}`)
  if (keyword === 'UNIT') {
    must(family.unit === undefined && family.help === undefined, `one UNIT, before HELP: ${line}`)
    must(/^[a-zA-Z0-9_:]+$/.test(rest) && name.endsWith(`_${rest}`), `the unit is the name's suffix: ${line}`)
    family.unit = rest
  } else {
    must(family.help === undefined, `one HELP: ${line}`)
    family.help = unescaped(rest)
  }
}

function readSample (line: string, families: readonly OpenFamily[]): void {
  const family = families.at(-1)
  must(family !== undefined, `a family has metadata: ${line}`)
  const name = new RegExp(`^${METRIC_NAME}`).exec(line)?.[0] ?? ''
  must(SUFFIXES[family.type].some(suffix => name === family.name + suffix), `a sample of ${family.name}: ${line}`)
  const labels = new Map<string, string>()
  let at = name.length
  if (line[at] === '{') {
    at++
    while (line[at] !== '}') {
      must(labels.size === 0 || line[at++] === ',', `labels are separated by commas: ${line}`)
      const label = new RegExp(`^(${LABEL_NAME})="((?:[^"\\\\\\n]|\\\\[^])*)"`).exec(line.slice(at))
      must(label !== null, `a label: ${line}`)
      must(!labels.has(label[1]) && !label[1].startsWith('_'), `label names are unique and not reserved: ${line}`)
      labels.set(label[1], unescaped(label[2]))
      at += label[0].length
    }
    at++
  }
  must(line[at] === ' ', `a space before the number: ${line}`)
  const number = line.slice(at + 1)
  must(NUMBER.test(number), `a number and nothing behind it: ${line}`)
  family.samples.push({ name, labels, value: valueOf(number) })
}

/** An escaped-string; a single backslash before another character SHOULD NOT be, and is not accepted here. */
function unescaped (text: string): string {
  must(/^(?:[^"\\\n]|\\[n"\\])*$/u.test(text), `an escaped string: ${text}`)
  return text.replaceAll(/\\(.)/g, (_, escaped: string) => escaped === 'n' ? '\n' : escaped)
}

function valueOf (number: string): number {
  const infinity = /^([-+]?)inf/i.exec(number)
  return infinity === null ? Number(number) : infinity[1] === '-' ? -Infinity : Infinity
}

function checkFamily ({ name, type, samples }: ParsedFamily): void {
  const sets = new Set<string>()
  for (const { name: sample, labels, value } of samples) {
    const set = JSON.stringify([sample, ...labels])
    must(!sets.has(set), `label sets are unique: ${set}`)
    sets.add(set)
    must(type === 'gauge' || value >= 0, `counts are neither negative nor NaN: ${set} ${value}`)
  }
  if (type === 'histogram') {
    checkHistogram(name, samples)
  }
}

function checkHistogram (name: string, samples: readonly ParsedSample[]): void {
  const buckets = samples.filter(sample => sample.name === `${name}_bucket`)
  const bounds = buckets.map(({ labels }) => labels.get('le') ?? '')
  must(bounds.at(-1) === '+Inf', 'the last bucket is +Inf')
  // The canonical forms: never an integer's.
  must(bounds.slice(0, -1).every(bound => /^(?:\d+\.\d+|\d(?:\.\d+)?e[-+]\d\d+)$/.test(bound)), `canonical bounds: ${bounds.join(' ')}`)
  buckets.forEach(({ value }, index) => {
    must(Number.isInteger(value), 'buckets hold integers')
    must(index === 0 || (valueOf(bounds[index]) > valueOf(bounds[index - 1]) && value >= buckets[index - 1].value), 'buckets ascend and are cumulative')
  })
  const [count, sum] = ['_count', '_sum'].map(suffix => samples.filter(sample => sample.name === name + suffix))
  must(count.length === 1 && sum.length === 1 && count[0].value === buckets.at(-1)?.value, '_count is the last bucket, and there is a _sum')
}

/** No sample that a family could have may be taken for another family's. */
function checkClashes (families: readonly ParsedFamily[]): void {
  const owner = new Map<string, string>()
  for (const { name, type } of families) {
    for (const suffix of ['', ...SUFFIXES[type], ...type === 'gauge' ? [] : ['_created']]) {
      must([name, undefined].includes(owner.get(name + suffix)), `${name}${suffix} is one family's`)
      owner.set(name + suffix, name)
    }
  }
}

function must (condition: boolean, claim: string): asserts condition {
  if (!condition) {
    throw new Error(`not OpenMetrics: ${claim}`)
  }
}
