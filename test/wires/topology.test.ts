import test from 'ava'
import { TwinwireError } from '../../src/core/errors.ts'
import { randomStream } from '../../src/core/random.ts'
import { parseGml } from '../../src/sim/gml.ts'
import { PANTHEON_PATHS } from '../../src/sim/topology-paths.ts'
import { pantheonDirections } from '../../src/wires/pantheon-directions.ts'
import { parseScenario } from '../../src/wires/scenario.ts'
import type { ScenarioInput, TopologyInput } from '../../src/wires/scenario.ts'
import { CLIENT_AND_SERVER, play, timesOf } from '../fixtures/scenario-tools.ts'

const hosts = [...CLIENT_AND_SERVER]
const link = (delayMs: number): { forward: { delayMs: number } } => ({ forward: { delayMs } })
const matrix = { names: ['x', 'server', 'client'], oneWayMs: [[0, 1, 2], [3, 0, 11], [5, 6, 0]] }
const GML = `graph [
  node [ id 0 label "client" ] node [ id 1 ] node [ id 2 label "server" ]
  edge [ source 0 target 1 latency "7 ms" ] edge [ source 1 target 2 latency "8 ms" ]
]`

/** How long a dial takes: three round trips. */
const dials = test.macro(async (t, topology: TopologyInput, oneWayMs: number) => {
  const outcome = await play({ hosts, topology, limitMs: 60_000 })
  t.is(outcome.error, undefined)
  t.deepEqual(timesOf(outcome, 'dial'), [3 * 2 * oneWayMs])
})

test('the first hosts of a dumbbell are a pair', dials, { kind: 'dumbbell', pairs: 2, access: link(1), bottleneck: link(20) }, 22)
test('the first hosts of a parking lot are at its ends', dials, { kind: 'parking-lot', hops: 3, access: link(1), hop: link(10) }, 32)
test('hosts of a star meet in the middle', dials, { kind: 'star', access: link(10) }, 20)
test('in a complete graph all are neighbours', dials, { kind: 'random-regular', nodes: 4, degree: 3, link: link(10) }, 10)
test('in a ring that is not rewired neighbours are', dials, { kind: 'watts-strogatz', nodes: 10, neighbours: 2, rewiring: 0, link: link(10) }, 10)
test('a grown graph begins with a star', dials, { kind: 'barabasi-albert', nodes: 20, links: 2, link: link(10) }, 10)
test('a list of edges is taken as it is', dials, { kind: 'edges', graph: { nodes: 3, edges: [[0, 2], [2, 1]] }, link: link(10) }, 20)
test('hosts find their own names in a matrix, and its two ways differ', dials, { kind: 'matrix', matrix }, (11 + 6) / 2)
test('what a host sends and receives passes its access link', dials, { kind: 'matrix', matrix, access: link(1) }, (11 + 6 + 4) / 2)
test('hosts find their own names in GML', dials, { kind: 'gml', graph: parseGml(GML, 'f') }, 15)

test('eight regions are as far apart as where their hosts are', async t => {
  const outcome = await play({ hosts, topology: { kind: 'regions' }, limitMs: 60_000 })
  const [took] = timesOf(outcome, 'dial')
  // From 2 to 220 ms one way, and some kilobits at 50 Mbit/s or more.
  t.true(took >= 3 * 2 * 2 && took <= 3 * 2 * 220 + 1, `${took} ms`)
})

test('a host can be put at a place', async t => {
  const at = (client: string, server: string): ScenarioInput => ({
    hosts: [{ ...hosts[0], at: client }, { ...hosts[1], at: server }],
    topology: { kind: 'parking-lot', hops: 3, access: link(1), hop: link(10) },
    limitMs: 60_000
  })
  t.deepEqual(timesOf(await play(at('cross-source-2', 'cross-sink-2')), 'dial'), [3 * 2 * 12])
  t.like(t.throws(() => parseScenario(at('cross-source-9', 'sink'))), { code: 'ERR_INVALID_OPTION', path: 'scenario.hosts[0].at', found: '"cross-source-9"' })
  t.throws(() => parseScenario(at('sink', 'sink')), { message: /another host is there; at scenario.hosts\[1\].at/ })
})

test('more hosts than places are refused', t => {
  const error = t.throws(() => parseScenario({ hosts: ['a', 'b', 'c'].map(name => ({ name, role: 'idle' })), topology: { kind: 'dumbbell', pairs: 1, access: link(1), bottleneck: link(1) }, limitMs: 1 }))
  t.like(error, { code: 'ERR_INVALID_OPTION', path: 'scenario.topology', expected: 'at most 2 hosts', found: '3' })
})

test('a host cannot have the name of a router', t => {
  const error = t.throws(() => parseScenario({ hosts: [{ name: 'hub', role: 'idle' }], topology: { kind: 'star', access: link(1) }, limitMs: 1 }))
  t.like(error, { path: 'scenario.hosts[0].name', found: '"hub"' })
})

test('graphs that cannot be, and those that no memory holds, are refused by the option', t => {
  const refused = (topology: TopologyInput): string | undefined => {
    return t.throws(() => parseScenario({ hosts, topology, limitMs: 1 }), { instanceOf: TwinwireError }).path
  }
  t.is(refused({ kind: 'random-regular', nodes: 5, degree: 3, link: link(1) }), 'scenario.topology.degree')
  t.is(refused({ kind: 'random-regular', nodes: 10_000, degree: 9_998, link: link(1) }), 'scenario.topology.degree')
  t.is(refused({ kind: 'watts-strogatz', nodes: 10, neighbours: 3, rewiring: 0, link: link(1) }), 'scenario.topology.neighbours')
  t.is(refused({ kind: 'barabasi-albert', nodes: 10, links: 10, link: link(1) }), 'scenario.topology.links')
  t.is(refused({ kind: 'star', access: { forward: { delayMs: -1 } } }), 'scenario.topology.access.forward.delayMs')
  t.is(refused({ kind: 'random-regular', nodes: 1e9, degree: 2, link: link(1) }), 'scenario.topology.nodes')
  t.is(refused({ kind: 'edges', graph: { nodes: 2, edges: [[0, 2]] }, link: link(1) }), 'scenario.topology.graph')
  t.is(refused({ kind: 'matrix', matrix: { names: ['a'], oneWayMs: [[0, 0]] } }), 'scenario.topology.matrix')
  t.is(refused({ kind: 'gml', graph: { directed: false, names: ['a'], edges: [{ source: 0, target: 1, link: { delayNs: 1 } }] } }), 'scenario.topology.graph')
})

test('a fault befalls a link between routers, and one on no link is refused', async t => {
  const scenario = (from: string, to: string): ScenarioInput => ({
    hosts,
    topology: { kind: 'dumbbell', pairs: 1, access: link(1), bottleneck: link(8) },
    faults: [{ kind: 'down', from, to, atMs: 5, durationMs: 10 }],
    limitMs: 60_000
  })
  const [took] = timesOf(await play(scenario('left', 'right')), 'dial')
  // The SYN is lost, and goes out again after 1 s, late by up to 8 ticks of 4 ms (Linux's timer wheel) and a tick.
  t.true(took >= 1000 + 3 * 20 && took <= 1036 + 3 * 20, `${took} ms`)
  const { error } = await play(scenario('client', 'server'))
  t.is(error?.code, 'ERR_INVALID_OPTION')
  t.regex(error?.message ?? '', /no link joins these nodes; at scenario.faults\[0\]; expected neighbours in the topology; found client and server/)
})

test('traffic between routers slows down those who share their link, and nobody else', async t => {
  const dial = async (from: string, to: string): Promise<number> => {
    const outcome = await play({
      hosts,
      topology: { kind: 'dumbbell', pairs: 1, access: link(1), bottleneck: { forward: { delayMs: 8, rateBitsPerSecond: 10e6, queue: { limitPackets: 50 } }, backward: { delayMs: 8 } } },
      crossTraffic: [{ kind: 'poisson', from, to, rateBitsPerSecond: 100e6 }],
      limitMs: 60_000
    })
    return timesOf(outcome, 'dial')[0] ?? Infinity
  }
  // A full queue of 50 packets is 60 ms at 10 Mbit/s, on each of three ways forward.
  t.true(await dial('left', 'right') > 3 * 20 + 3 * 55)
  t.true(await dial('right', 'left') < 3 * 20 + 5)
  t.true(await dial('left', 'server') > 3 * 20 + 3 * 55)
})

test('each of Pantheon\'s paths is one by its name', async t => {
  for (const name of PANTHEON_PATHS) {
    const { error, events } = await play({ hosts, paths: [{ from: 'client', to: 'server', ...pantheonDirections(name, randomStream('p')) }], limitMs: 600_000 })
    t.is(error, undefined, name)
    t.true(events.length > 0)
  }
})

test('one seed gives one graph, another seed another', async t => {
  const run = async (seed: string): Promise<string | undefined> => (await play({ hosts, topology: { kind: 'random-regular', nodes: 40, degree: 3, link: link(10) }, limitMs: 60_000 }, { seed })).traceHash
  t.is(await run('a'), await run('a'))
  t.not(await run('a'), await run('b'))
})
