import { readFile } from 'node:fs/promises'

/** One field of an interface of options, as its source has it. */
export interface OptionField {
  readonly name: string
  readonly type: string
  /** Its docstring, or ''. */
  readonly text: string
}

/** An interface, of options or of an event. */
export interface OptionsInterface {
  readonly name: string
  /** What it extends, or ''. */
  readonly header: string
  readonly text: string
  readonly fields: readonly OptionField[]
}

/** A row of a table of options: the path that an application writes, and what its docstring says. */
export interface OptionRow {
  readonly path: string
  readonly unit: string
  readonly purpose: string
  /** With its reason, where there is one. */
  readonly standard: string
}

/** The interfaces whose options docs/modules.md has in tables, and where they stand. */
export const OPTION_TABLES: ReadonlyArray<{ readonly name: string, readonly file: string }> = [
  { name: 'OptimizedNetworkOptions', file: 'src/optim/options.ts' },
  { name: 'SendOptions', file: 'src/optim/errand.ts' },
  { name: 'RequestOptions', file: 'src/optim/errand.ts' },
  { name: 'ServeOptions', file: 'src/optim/request-server.ts' },
  { name: 'ConnectionPoolOptions', file: 'src/optim/pool/options.ts' },
  { name: 'MessageBatchingOptions', file: 'src/optim/batching/options.ts' },
  { name: 'BandwidthOptions', file: 'src/optim/bandwidth/options.ts' },
  { name: 'AdaptiveTimeoutsOptions', file: 'src/optim/timeouts/options.ts' },
  { name: 'NetworkHealthOptions', file: 'src/optim/health/options.ts' }
]

/** The rows of one interface; options within options have a path with a dot, below the one that holds them. */
export async function optionRows ({ name, file }: typeof OPTION_TABLES[number]): Promise<OptionRow[]> {
  const source = await readFile(new URL(`../${file}`, import.meta.url), 'utf8')
  return rowsOf(interfacesOf(source), name, '')
}

export function tableOf (rows: readonly OptionRow[]): string {
  return [
    '| option | unit | what it is | default, and why |',
    '|---|---|---|---|',
    ...rows.map(({ path, unit, purpose, standard }) => `| ${[`\`${path}\``, unit, purpose, standard].map(cell => cell.replaceAll('|', '\\|')).join(' | ')} |`)
  ].join('\n')
}

/** The interfaces that a source exports. */
export function interfacesOf (source: string): OptionsInterface[] {
  return [...source.matchAll(/(?:\/\*\*((?:(?!\*\/)[^])*)\*\/\n)?export interface (\w+)([^{]*)\{\n([^]*?)\n\}\n/g)]
    .map(([, text = '', name, header, body]) => ({ name, header, text: plain(text), fields: fieldsOf(body) }))
}

function fieldsOf (body: string): OptionField[] {
  return [...body.matchAll(/(?:^ {2}\/\*\*((?:(?!\*\/)[^])*)\*\/\n)?^ {2}readonly (\w+)\??: (.+)$/gm)]
    .map(([, text = '', name, type]) => ({ name, type, text: plain(text) }))
}

/** A docstring in one line. */
function plain (text: string): string {
  return text.replaceAll(/\s*\n\s*\*?\s*/g, ' ').trim()
}

function rowsOf (interfaces: readonly OptionsInterface[], name: string, prefix: string): OptionRow[] {
  const found = interfaces.find(one => one.name === name)
  if (found === undefined) {
    throw new Error(`there is no interface ${name}`)
  }
  return found.fields.flatMap(field => {
    const inner = interfaces.filter(one => new RegExp(`\\b${one.name}\\b`).test(field.type))
    // What tells alternatives apart has no docstring of its own: it stands for the whole of its alternative.
    const literal = field.text === '' && field.type.startsWith("'")
    const path = prefix + field.name + (literal ? `: ${field.type}` : '')
    const text = field.text !== '' ? field.text : literal ? found.text : inner.map(one => one.text).join(' ')
    // Of options by name, each name has them.
    const innerPrefix = `${path}.${field.type.startsWith('{') ? '*.' : ''}`
    return [rowOf(path, field.name, text, inner.length > 0), ...inner.flatMap(one => rowsOf(interfaces, one.name, innerPrefix))]
  })
}

function rowOf (path: string, name: string, text: string, hasInner: boolean): OptionRow {
  const [, purpose, standard] = /^([^]*?)[;,.]?\s*\bdefault:?\s+([^]*)$/i.exec(text) ?? ['', text.replace(/\.$/, ''), hasInner ? 'as below' : '']
  return {
    path,
    unit: UNITS.find(([ending]) => ending.test(name))?.[1] ?? '',
    purpose: capitalised(purpose.replace(/,? in (?:milliseconds|bit\/s|bytes)(?:,(?! of)|(?=$|[;.]))/, '')),
    standard: standard.replace(/\.$/, '')
  }
}

function capitalised (text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1)
}

const UNITS: ReadonlyArray<readonly [ending: RegExp, unit: string]> = [
  [/Ms$/, 'ms'], [/BitsPerSecond$/, 'bit/s'], [/perSecond$/i, '1/s'], [/Bytes(?:PerPeer|InAll)?$/, 'bytes'], [/share$|^percentile$|^ratio$/i, 'share']
]
