import { spawn } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import test from 'ava'
import * as z from 'zod'
import { networkFamilies } from '../../../src/optim/metrics/network-families.ts'
import { fullSnapshot } from './full-snapshot.ts'
import { parseOpenMetrics } from './open-metrics-parser.ts'
import type { MetricFamily } from '../../../src/optim/metrics/family.ts'
import type { ParsedFamily } from './open-metrics-parser.ts'

const DIRECTORY = new URL('../../../examples/prometheus/', import.meta.url)

const datasource = z.strictObject({ type: z.literal('prometheus'), uid: z.literal('${datasource}') })
const gridPos = z.strictObject({ h: z.int().positive(), w: z.int().positive(), x: z.int().nonnegative(), y: z.int().nonnegative() }).refine(({ x, w }) => x + w <= 24)
/** Of a dashboard's model what Grafana 11 needs to show one, as far as this one uses it. */
const dashboard = z.object({
  schemaVersion: z.literal(39),
  title: z.string(),
  uid: z.string().max(40),
  templating: z.object({ list: z.array(z.looseObject({ name: z.string(), type: z.enum(['datasource', 'query']) })) }),
  panels: z.array(z.discriminatedUnion('type', [
    z.object({ id: z.int(), type: z.literal('row'), title: z.string(), gridPos }),
    z.object({
      id: z.int(), type: z.literal('timeseries'), title: z.string(), datasource, gridPos,
      targets: z.array(z.object({ refId: z.string(), datasource, expr: z.string(), legendFormat: z.string() })).min(1)
    })
  ]))
})

async function readDashboard (): Promise<z.infer<typeof dashboard>> {
  return dashboard.parse(JSON.parse(await readFile(new URL('grafana-dashboard.json', DIRECTORY), 'utf8')))
}

/** What a family's samples are called, with the labels that they have. */
function sampleNames (family: MetricFamily): Array<[name: string, label: string | undefined]> {
  if (family.type === 'histogram') {
    return [[`${family.name}_bucket`, 'le'], [`${family.name}_sum`, undefined], [`${family.name}_count`, undefined]]
  }
  return [[family.type === 'counter' ? `${family.name}_total` : family.name, 'label' in family ? family.label : undefined]]
}

async function metricsOfDashboard (): Promise<string[]> {
  const { panels } = await readDashboard()
  return panels.flatMap(panel => panel.type === 'timeseries' ? panel.targets : []).flatMap(({ expr }) => expr.match(/twinwire_\w+/g) ?? [])
}

/** Of these there must be some before the example is looked at: requests, messages, batches, and bytes of every class. */
const TRAFFIC: ReadonlyArray<readonly [family: string, label?: string]> = [
  ['twinwire_requests_answered'], ['twinwire_batched_messages'], ['twinwire_batched_requests'], ['twinwire_round_trip_seconds'],
  ['twinwire_upload_bytes', 'urgent'], ['twinwire_upload_bytes', 'normal'], ['twinwire_upload_bytes', 'bulk']
]

/** The last sample of a family, or of those that have the label; 0 where there is none. */
function valueOf (families: readonly ParsedFamily[], family: string, label?: string): number {
  const samples = families.find(({ name }) => name === family)?.samples ?? []
  return samples.findLast(({ labels }) => label === undefined || [...labels.values()].includes(label))?.value ?? 0
}

test('each metric that the dashboard asks for is exported, with the label that it is split by', async t => {
  const exported = new Map(networkFamilies(() => fullSnapshot).flatMap(sampleNames))
  for (const panel of (await readDashboard()).panels) {
    for (const { expr, legendFormat } of panel.type === 'timeseries' ? panel.targets : []) {
      const names = expr.match(/twinwire_\w+/g) ?? []
      t.true(names.length > 0, expr)
      for (const name of names) {
        t.true(exported.has(name), name)
      }
      for (const [, label] of [...expr.matchAll(/by \((\w+)\)/g), ...legendFormat.matchAll(/\{\{(\w+)\}\}/g)]) {
        t.true(names.every(name => exported.get(name) === label), `${label} of ${expr}`)
      }
      // Counts are of use as rates only, and a rate of a level is of none.
      const rated = [...expr.matchAll(/rate\((\w+)/g)].map(([, name]) => name)
      t.deepEqual(rated.toSorted(), names.filter(name => /_(total|bucket)$/.test(name)).toSorted(), expr)
    }
  }
})

test('the dashboard has a panel for each of the families of a network, ids that are unique, and no panel upon another', async t => {
  const { panels, templating } = await readDashboard()
  t.is(new Set(panels.map(({ id }) => id)).size, panels.length)
  t.deepEqual(templating.list.map(({ name }) => name), ['datasource', 'instance'])
  const asked = JSON.stringify(panels)
  for (const prefix of ['pool_', 'requests_', 'request_failures', 'request_duration', 'round_trip', 'retries', 'hedges', 'upload_', 'download_', 'batch_size', 'health_conditions', 'health_ejections']) {
    t.true(asked.includes(`twinwire_${prefix}`), prefix)
  }
  const cells = new Set<string>()
  for (const { gridPos: { x, y, w, h } } of panels) {
    for (let cell = 0; cell < w * h; cell++) {
      const at = `${x + cell % w},${y + Math.floor(cell / w)}`
      t.false(cells.has(at), at)
      cells.add(at)
    }
  }
})

test('the example has traffic of every class, serves both renderings of the same metrics, among them all of the dashboard, and ends with SIGINT', async t => {
  const example = spawn(process.execPath, [fileURLToPath(new URL('server.ts', DIRECTORY)), '0'], { stdio: ['ignore', 'pipe', 'pipe'] })
  t.teardown(() => example.kill('SIGKILL'))
  let errors = ''
  example.stderr.on('data', chunk => {
    errors += chunk
  })
  const exited = new Promise<number | null>(resolve => example.once('exit', resolve))
  const url = await new Promise<string>((resolve, reject) => {
    let output = ''
    example.stdout.on('data', chunk => {
      output += chunk
      const match = /serving (http:\S+)\/metrics\n/.exec(output)
      if (match !== null) {
        resolve(match[1])
      }
    })
    exited.then(code => reject(new Error(`ended with ${code}: ${errors}`)), reject)
  })
  let exposed: ParsedFamily[]
  do {
    const response = await fetch(`${url}/openmetrics`)
    t.is(response.headers.get('content-type'), 'application/openmetrics-text; version=1.0.0; charset=utf-8')
    exposed = parseOpenMetrics(new Uint8Array(await response.arrayBuffer()))
  } while (TRAFFIC.some(([name, label]) => valueOf(exposed, name, label) === 0))

  const types = new Map(exposed.map(({ name, type }) => [name, type]))
  for (const name of await metricsOfDashboard()) {
    const [, family, suffix] = /^(\w+?)(_total|_bucket)?$/.exec(name) ?? []
    t.is(types.get(family), suffix === '_total' ? 'counter' : suffix === '_bucket' ? 'histogram' : 'gauge', name)
  }
  // In this order: what the first answer has, the second has as well.
  const prometheus = await (await fetch(`${url}/metrics`)).text()
  for (const { name } of exposed.flatMap(({ samples }) => samples)) {
    t.regex(prometheus, new RegExp(`^${name}[ {]`, 'm'))
  }
  t.regex(prometheus, /^libp2p_data_transfer_bytes_total\{/m)
  t.is((await fetch(`${url}/other`)).status, 404)
  example.kill('SIGINT')
  t.is(await exited, 0, errors)
  t.is(errors, '')
})

test('the example says what is wrong with its port', async t => {
  const example = spawn(process.execPath, [fileURLToPath(new URL('server.ts', DIRECTORY)), 'http'], { stdio: 'ignore' })
  t.is(await new Promise(resolve => example.once('exit', resolve)), 2)
})
