import { TwinwireError } from '../core/errors.ts'
import { msToNs, parseDuration, parseRate } from '../core/units.ts'
import { parseGmlEntries } from './gml-syntax.ts'
import type { GmlEntry } from './gml-syntax.ts'
import { invalidFile, quoted } from './input-file.ts'
import type { LinkOptions, NodeId } from './network.ts'
import type { NetworkBuilder } from './topology.ts'

/** A graph whose edges are links. */
export interface GmlGraph {
  readonly directed: boolean
  /** The nodes' labels, or their ids where they have none. */
  readonly names: readonly string[]
  /** Indices into `names`. An undirected edge is a link each way. */
  readonly edges: ReadonlyArray<{ readonly source: number, readonly target: number, readonly link: LinkOptions }>
}

/**
 * Reads a graph in GML with the attributes that Shadow gives edges: `latency` ("10 ms", needed) and `packet_loss` (a
 * probability); beside them `bandwidth` ("100 Mbit"). Units are spelt as Shadow and twinwire do. Edges from a node to
 * itself, which tell how far apart hosts at one node are, and attributes with other names are passed over.
 *
 * @throws ERR_INVALID_FILE with file:line:column
 */
export function parseGml (text: string, fileName: string): GmlGraph {
  const top = parseGmlEntries(text, fileName)
  const graph = top.find(({ key }) => key === 'graph')
  if (graph === undefined) {
    throw invalidFile('no graph', fileName, 1, 1, 'graph [', top.length === 0 ? 'nothing' : quoted(top[0].key))
  }
  const reader = new AttributeReader(fileName)
  const parts = reader.list(graph)
  const direction = parts.find(({ key }) => key === 'directed')
  const directed = direction !== undefined && reader.number(direction, 0, 1) === 1
  const indexOf = new Map<number, number>()
  const names: string[] = []
  const namesSeen = new Set<string>()
  for (const node of parts.filter(({ key }) => key === 'node')) {
    const id = reader.needed(node, 'id')
    const label = reader.optional(node, 'label')
    const number = reader.number(id, 0, Number.MAX_SAFE_INTEGER)
    const name = label === undefined ? String(number) : reader.text(label)
    if (indexOf.has(number) || namesSeen.has(name)) {
      throw reader.invalid(indexOf.has(number) ? id : label ?? id, 'two nodes have one name', 'a name of its own')
    }
    indexOf.set(number, names.length)
    namesSeen.add(name)
    names.push(name)
  }
  const known = new Set<number>()
  const edges: Array<GmlGraph['edges'][number]> = []
  for (const edge of parts.filter(({ key }) => key === 'edge')) {
    const [source, target] = ['source', 'target'].map(key => {
      const end = reader.needed(edge, key)
      const index = indexOf.get(reader.number(end, 0, Number.MAX_SAFE_INTEGER))
      if (index === undefined) {
        throw reader.invalid(end, 'no such node', 'the id of a node')
      }
      return index
    })
    const link = readLink(edge, reader)
    const [first, second] = directed || source < target ? [source, target] : [target, source]
    if (known.has(first * names.length + second)) {
      throw reader.invalid(edge, 'there is such an edge already', 'one edge between two nodes')
    }
    known.add(first * names.length + second)
    if (source !== target) {
      edges.push({ source, target, link })
    }
  }
  return { directed, names, edges }
}

/** A node of the network for each of the graph's, in its order. */
export function layOutGml (network: NetworkBuilder, { directed, names, edges }: GmlGraph): readonly NodeId[] {
  const ids = names.map(() => network.addNode())
  for (const { source, target, link } of edges) {
    network.addLink(ids[source], ids[target], link)
    if (!directed) {
      network.addLink(ids[target], ids[source], link)
    }
  }
  return ids
}

function readLink (edge: GmlEntry, reader: AttributeReader): LinkOptions {
  const latency = reader.needed(edge, 'latency')
  const loss = reader.optional(edge, 'packet_loss')
  const bandwidth = reader.optional(edge, 'bandwidth')
  return {
    delayNs: msToNs(reader.quantity(latency, parseDuration)),
    ...(loss === undefined ? {} : { loss: { model: 'bernoulli', probability: reader.number(loss, 0, 1) } }),
    ...(bandwidth === undefined ? {} : { rateBitsPerSecond: reader.quantity(bandwidth, parseRate) })
  }
}

class AttributeReader {
  readonly #fileName: string

  constructor (fileName: string) {
    this.#fileName = fileName
  }

  list (entry: GmlEntry): readonly GmlEntry[] {
    if (typeof entry.value !== 'object') {
      throw this.invalid(entry, `${entry.key} is no list`, '[')
    }
    return entry.value
  }

  optional (entry: GmlEntry, key: string): GmlEntry | undefined {
    return this.list(entry).find(each => each.key === key)
  }

  needed (entry: GmlEntry, key: string): GmlEntry {
    const found = this.optional(entry, key)
    if (found === undefined) {
      throw invalidFile(`${entry.key} without ${key}`, this.#fileName, entry.line, entry.column, key, 'no such key')
    }
    return found
  }

  number (entry: GmlEntry, least: number, most: number): number {
    if (typeof entry.value !== 'number' || !(entry.value >= least && entry.value <= most)) {
      throw this.invalid(entry, `not a ${entry.key}`, `a number from ${least} to ${most}`)
    }
    return entry.value
  }

  text (entry: GmlEntry): string {
    if (typeof entry.value === 'object') {
      throw this.invalid(entry, `not a ${entry.key}`, 'a string')
    }
    return String(entry.value)
  }

  /** In the spelling of `units.ts`, or Shadow's `Mbit`. A number without a unit is refused. */
  quantity (entry: GmlEntry, parse: (text: string, path: string) => number): number {
    if (typeof entry.value !== 'string') {
      throw this.invalid(entry, `${entry.key} needs a unit`, 'a string such as "10 ms" or "100 Mbit"')
    }
    const spelt = entry.value.replace(/[KMG]?bit$/, unit => unit.toLowerCase())
    try {
      const value = parse(spelt, entry.key)
      if (value < Infinity && (parse !== parseRate || value > 0)) {
        return value
      }
    } catch (error) {
      if (!(error instanceof TwinwireError)) {
        throw error
      }
      throw this.invalid(entry, `not a ${entry.key}`, error.expected ?? 'a quantity')
    }
    throw this.invalid(entry, `not a ${entry.key}`, 'a finite quantity above 0')
  }

  invalid (entry: GmlEntry, message: string, expected: string): TwinwireError {
    return invalidFile(message, this.#fileName, entry.line, entry.column, expected, typeof entry.value === 'object' ? 'a list' : quoted(String(entry.value)))
  }
}
