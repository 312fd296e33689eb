import { readFile } from 'node:fs/promises'
import { createOptimizedNetwork } from '../src/optim/index.ts'
import { interfacesOf, OPTION_TABLES, optionRows, tableOf } from './option-tables.ts'
import type { NetworkNode } from '../src/optim/index.ts'

const MODULES = ['pool', 'batching', 'bandwidth', 'timeouts', 'health'] as const

/** What docs/modules.md says by itself of options, events and metrics: a table for each of its marks. */
export async function moduleTables (): Promise<Map<string, string>> {
  const tables = new Map<string, string>()
  for (const table of OPTION_TABLES) {
    tables.set(table.name, tableOf(await optionRows(table)))
  }
  tables.set('events', await eventTable())
  tables.set('metrics', await metricTable())
  return tables
}

/** The marks between which a table stands. */
export function marksOf (name: string): readonly [begin: string, end: string] {
  return [`<!-- ${name} -->`, `<!-- end of ${name} -->`]
}

/** From the docstrings in each module's events.ts. */
async function eventTable (): Promise<string> {
  const rows: string[] = []
  for (const module of MODULES) {
    const source = await readFile(new URL(`../src/optim/${module}/events.ts`, import.meta.url), 'utf8')
    for (const { header, text, fields } of interfacesOf(source)) {
      const type = new RegExp(`'(${module}:[\\w-]+)'`).exec(`${header} ${fields[0]?.type ?? ''}`)?.[1]
      if (type !== undefined) {
        rows.push(`| \`${type}\` | ${text} |`)
      }
    }
  }
  return ['| event | what happened |', '|---|---|', ...rows].join('\n')
}

/** What a network with all modules on exports. */
async function metricTable (): Promise<string> {
  await using network = createOptimizedNetwork(idleNode)
  const text = network.openMetrics()
  const help = new Map([...text.matchAll(/^# HELP (\w+) (.*)$/gm)].map(([, name, what]) => [name, what]))
  const rows = [...text.matchAll(/^# TYPE (\w+) (\w+)$/gm)].map(([, name, type]) => `| \`${name}\` | ${type} | ${help.get(name)} |`)
  return ['| metric | type | what it counts |', '|---|---|---|', ...rows].join('\n')
}

/** A node that nothing happens to. */
const idleNode: NetworkNode = {
  peerId: { toString: () => 'idle', equals: () => false },
  peerStore: { get: async () => ({ addresses: [] }), merge: async () => undefined },
  dial: async () => await Promise.reject(new Error('nobody is dialled')),
  getConnections: () => [],
  handle: async () => {},
  unhandle: async () => {},
  addEventListener () {},
  removeEventListener () {}
}
