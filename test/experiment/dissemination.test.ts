import test from 'ava'
import { MAELSTROM, overlayHosts } from '../../experiments/dissemination.ts'
import { randomStream } from '../../src/core/random.ts'
import { loadExperiment } from '../../src/experiment/registry.ts'
import { runUnit } from '../../src/experiment/run-unit.ts'
import type { UnitResult } from '../../src/experiment/unit.ts'
import { mean } from '../../src/stats/quantile.ts'
import { oneWayMsBetween } from '../../src/sim/topology-regions.ts'
import { parseScenario } from '../../src/wires/scenario.ts'
import { SimWire } from '../../src/wires/sim.ts'
import { neighboursOf, shortestTimes } from '../../src/workload/overlay.ts'

const loaded = await loadExperiment('dissemination')
const PEERS = 30
const parameters = loaded.experiment.parameters.parse({ peers: PEERS }) as Record<string, number>

/** Several tests look at one run. */
const results = new Map<string, Promise<UnitResult>>()

async function resultOf (name: string, arm = 'plain'): Promise<UnitResult> {
  const key = `${name} ${arm}`
  const result = results.get(key) ?? runUnit({ loaded, parameters, unit: { wire: 'sim', case: name, arm, seed: 'field' }, wire: new SimWire() })
  results.set(key, result)
  return await result
}

function valuesOf ({ samples }: UnitResult, metric: string): number[] {
  return samples.filter(sample => sample.metric === metric).map(({ value }) => value)
}

function total (values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0)
}

const NODES = 25

/** Longest that anybody waits in hops, messages a broadcast; and Maelstrom's messages an operation, of which a half broadcast. */
const BROADCASTS = [
  { name: 'line-10', diameter: 24, perOperation: 12.006, hiddenHops: 2 },
  { name: 'grid-10', diameter: 8, perOperation: 27.806, hiddenHops: 1 },
  { name: 'grid-100', diameter: 8, perOperation: 27.806, hiddenHops: 1 },
  { name: 'total-100', diameter: 1, perOperation: 290.564, hiddenHops: 1 },
  { name: 'tree4-100', diameter: 5, perOperation: 11.994, hiddenHops: 1 }
] as const

for (const { name, diameter, perOperation, hiddenHops } of BROADCASTS) {
  const { edges, latencyMs, publishedMaximumMs } = MAELSTROM[name]

  test(`${name}: the longest of all broadcasts takes the diameter times the latency, and Maelstrom's at most ${hiddenHops} of its hops less`, async t => {
    const result = await resultOf(name)
    t.is(result.error, undefined)
    const longestMs = Math.max(...valuesOf(result, 'delivery'))
    // Links without rates, streams that are open: nothing but propagation.
    t.true(Math.abs(longestMs - diameter * latencyMs) < 1e-6, `${longestMs} ms`)
    t.true(valuesOf(result, 'over-shortest-path').every(ratio => Math.abs(ratio - 1) < 1e-9))
    // Theirs is what its reads have seen, and its nodes compute: 5 ms at five hops.
    t.true(publishedMaximumMs <= longestMs + 1 * diameter && publishedMaximumMs >= longestMs - hiddenHops * latencyMs)
  })

  test(`${name}: its thresholds are the diameter times the latency, and what Maelstrom's reads have seen missing where its nodes' computing is not in it`, t => {
    const of = (direction: string): number[] => loaded.experiment.thresholds.filter(one => one.case === name && one.metric === 'all' && one.direction === direction).map(({ limit }) => limit)
    t.deepEqual(of('at-most'), [diameter * latencyMs])
    t.deepEqual(of('at-least'), publishedMaximumMs > diameter * latencyMs ? [] : [publishedMaximumMs])
  })

  test(`${name}: each broadcast takes 2 E - (N - 1) messages, as many as Maelstrom's`, async t => {
    const result = await resultOf(name)
    // All of a node's edges carry what it passes on, but the one that it came by.
    const messages = 2 * edges.length - (NODES - 1)
    t.true(Math.abs(total(valuesOf(result, 'amplification')) - messages) < 1e-9)
    // A half of 2,000 operations broadcast, by chance: three standard deviations of that share are 3.4%.
    t.true(Math.abs(2 * perOperation / messages - 1) < 0.034, `${messages} and ${2 * perOperation}`)
  })
}

test('with exponential latencies a broadcast takes what first passage over the grid takes', async t => {
  const { edges, latencyMs } = MAELSTROM['grid-100-exponential']
  const neighbours = neighboursOf(NODES, edges)
  const random = randomStream('first-passage')
  // A message is two packets, Noise's length and the rest, and is there when both are.
  const hopMs = (): number => Math.max(random.exponential(latencyMs), random.exponential(latencyMs))
  // The mean over the other nodes, of broadcasts from each node in turn.
  const simulated = Array.from({ length: 40 * NODES }, (_, round) =>
    total([...shortestTimes(neighbours, hopMs, round % NODES)]) / (NODES - 1))
  const deviation = Math.sqrt(mean(simulated.map(value => (value - mean(simulated)) ** 2)))
  const result = await resultOf('grid-100-exponential')
  t.is(result.error, undefined)
  const measured = mean(valuesOf(result, 'delivery'))
  // Four standard errors of 25 broadcasts, and of the reference.
  t.true(Math.abs(measured - mean(simulated)) < 4 * deviation * Math.sqrt(1 / NODES + 1 / simulated.length), `${measured} and ${mean(simulated)} ms`)
})

/** On the wire: with its length (2 bytes), yamux's header (12), Noise's length and tag (18), TCP/IP's with timestamps (52). */
const SMALL_PACKET_BYTES = 1_000 + 2 + 12 + 18 + 52
const ACKNOWLEDGEMENT_BYTES = 52
const DEGREE = 8

test('between regions a small message takes the shortest path, and at most the serialisation of eight copies and acknowledgements on each link of it', async t => {
  const theCase = loaded.experiment.cases.find(({ name }) => name === 'small')
  const scenario = parseScenario(theCase!.scenario({ ...parameters, case: 'small', arm: 'plain' }, randomStream('field').fork('scenario').fork('small')))
  const places = scenario.topology?.kind === 'regions' ? scenario.topology.places ?? [] : []
  const names = scenario.hosts.map(({ name }) => name)
  const edges = scenario.hosts.flatMap(({ addresses }, to) => (addresses[0].reachableFrom ?? []).map((from): [number, number] => [names.indexOf(from), to]))
  const neighbours = neighboursOf(names.length, edges)
  t.true(neighbours.every(({ length }) => length === DEGREE))
  const oneWayMs = (a: number, b: number): number => oneWayMsBetween(places[a].region, places[b].region)
  const busyMs = (peer: number): number => DEGREE * (SMALL_PACKET_BYTES + ACKNOWLEDGEMENT_BYTES) * 8e3 / places[peer].rateBitsPerSecond

  const result = await resultOf('small')
  t.is(result.error, undefined)
  const publishers = [0, PEERS / 3, 2 * PEERS / 3]
  const leastMs = publishers.map(publisher => shortestTimes(neighbours, oneWayMs, publisher))
  const mostMs = publishers.map(publisher => shortestTimes(neighbours, (a, b) => oneWayMs(a, b) + busyMs(a) + busyMs(b), publisher))
  const deliveries = result.samples.filter(({ metric }) => metric === 'delivery')
  t.is(deliveries.length, publishers.length * (names.length - 1))
  for (const { host, value, timeMs } of deliveries) {
    const message = Math.floor((timeMs - 4_000) / 2_000)
    const peer = names.indexOf(host)
    t.true(value >= leastMs[message][peer] && value <= mostMs[message][peer], `${host}: ${value} ms, between ${leastMs[message][peer]} and ${mostMs[message][peer]}`)
  }
})

test('between regions the limit over the shortest path is what hops of the shortest delay have behind lines of 50 Mbit/s', t => {
  const limits = loaded.experiment.thresholds.filter(one => one.case === 'small')
  t.deepEqual(limits.filter(({ direction }) => direction === 'at-least').map(({ arm, limit }) => [arm, limit]), [['plain', 1], ['pool', 1], ['full', 1]])
  // Eight copies and acknowledgements are 9,088 bytes, 1.45408 ms of a line; there are two on each hop of 2 ms.
  const [most] = limits.filter(({ direction }) => direction === 'at-most')
  t.is(most.arm, 'plain')
  t.true(Math.abs(most.limit - (1 + 2 * 1.45408 / 2)) < 1e-9)
})

for (const arm of ['plain', 'pool']) {
  test(`${arm}: all peers get all messages, and every copy is a first one or a duplicate`, async t => {
    const result = await resultOf('small', arm)
    t.is(result.error, undefined)
    t.true(result.samples.every(({ ok }) => ok))
    const firsts = PEERS - 1
    const copies = total(valuesOf(result, 'amplification'))
    t.true(Math.abs(copies - (PEERS * DEGREE - firsts)) < 1e-9, `${copies} copies a message`)
    t.true(Math.abs(total(valuesOf(result, 'duplicates')) - (copies - firsts)) < 1e-9)
  })
}

test('full: all peers get all messages, though copies fail to neighbours whose connection was given up after overdue attempts and who cannot be dialled', async t => {
  const result = await resultOf('small', 'full')
  t.is(result.error, undefined)
  t.true(result.samples.every(({ ok }) => ok))
})

test('only the peers that an edge leads from may dial its end', t => {
  t.deepEqual(overlayHosts(3, [[0, 1], [2, 1]]).map(({ addresses }) => addresses?.[0].reachableFrom), [undefined, ['peer-0', 'peer-2'], undefined])
})
