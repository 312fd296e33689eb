import test from 'ava'
import { TwinwireError } from '../../src/core/errors.ts'
import { parseScenario } from '../../src/wires/scenario.ts'
import type { ScenarioInput } from '../../src/wires/scenario.ts'
import { checkAllowed } from '../../src/wires/tcp/allowed.ts'
import { namespacesAllow } from '../../src/wires/tcp/namespaces/allows.ts'
import type { Kernel } from '../../src/wires/tcp/namespaces/machine.ts'
import { propagationLines, queueLines } from '../../src/wires/tcp/namespaces/shaping.ts'

const whole: Kernel = { tbf: true, netem: true, resets: true, congestion: new Set(['cubic', 'reno', 'bbr']) }
const poor: Kernel = { tbf: false, netem: false, resets: false, congestion: new Set(['cubic']) }
const hosts = [{ name: 'a', role: 'sampler' }, { name: 'b', role: 'idle' }]
const FORWARD = 'scenario.paths[0].forward'

function scenarioOf (direction: object, others: object = {}): ScenarioInput {
  return { hosts, paths: [{ from: 'a', to: 'b', forward: { delayMs: 0, ...direction } }], limitMs: 10_000, ...others }
}

function faulty (fault: object): ScenarioInput {
  return scenarioOf({}, { faults: [{ from: 'a', to: 'b', atMs: 1, ...fault }] })
}

function congested (congestion: string): ScenarioInput {
  return scenarioOf({}, { hosts: [{ ...hosts[0], tcp: { congestion } }, hosts[1]] })
}

const refused = test.macro((t, kernel: Kernel, scenario: ScenarioInput, path: string, message: RegExp) => {
  const error = t.throws(() => checkAllowed(parseScenario(scenario), namespacesAllow(kernel)), { instanceOf: TwinwireError, code: 'ERR_UNSUPPORTED', message })
  t.is(error.path, path)
  t.truthy(error.expected)
  t.truthy(error.found)
})

const lossy = scenarioOf({ loss: { model: 'bernoulli', probability: 0.01 } })
test('a kernel without netem is named where a path has a delay', refused, poor, scenarioOf({ delayMs: 20 }), `${FORWARD}.delayMs`, /kernel has no .*netem/)
test('a kernel without netem is named where a path has jitter', refused, poor, scenarioOf({ jitter: { distribution: 'uniform', boundMs: 1 } }), `${FORWARD}.jitter`, /kernel has no .*netem/)
test('a kernel without netem is named where a path loses packets', refused, poor, lossy, `${FORWARD}.loss`, /kernel has no .*netem/)
test('a kernel without tbf is named where a path has a rate', refused, poor, scenarioOf({ rateBitsPerSecond: 1e6 }), `${FORWARD}.rateBitsPerSecond`, /kernel has no .*tbf/)
test('a kernel without tbf is named where a fault has a rate', refused, poor, faulty({ kind: 'rate', rateBitsPerSecond: 1e6 }), 'scenario.faults[0]', /kernel has no .*tbf/)
test('a kernel that resets no connections is named where a fault does', refused, poor, faulty({ kind: 'reset' }), 'scenario.faults[0]', /CONFIG_INET_DIAG_DESTROY/)
test('a kernel without BBR is named where a host has it', refused, poor, congested('bbr'), 'scenario.hosts[0].tcp', /no congestion control bbr/)

test('namespaces refuse a rate below 1 kbit/s', refused, whole, scenarioOf({ rateBitsPerSecond: 999 }), `${FORWARD}.rateBitsPerSecond`, /no rate below/)
test('namespaces refuse jitter of a distribution that netem has not', refused, whole, scenarioOf({ jitter: { distribution: 'pareto', scaleMs: 1, shape: 3 } }), `${FORWARD}.jitter`, /this distribution/)
test('namespaces refuse scripted losses', refused, whole, scenarioOf({ loss: { model: 'scripted', packets: [3] } }), `${FORWARD}.loss`, /this model/)
test('namespaces refuse corruption', refused, whole, scenarioOf({ corruption: 0.1 }), `${FORWARD}.corruption`, /corruption/)
test('namespaces refuse CoDel', refused, whole, scenarioOf({ queue: { discipline: 'codel' } }), `${FORWARD}.queue`, /discipline/)
test('namespaces refuse a stall', refused, whole, faulty({ kind: 'stall', durationMs: 5 }), 'scenario.faults[0]', /has no stall/)
test('namespaces refuse a black hole of what exists alone', refused, whole, faulty({ kind: 'black-hole', scope: 'existing' }), 'scenario.faults[0]', /no black-hole of this kind/)
test('namespaces refuse a cable that is cut one way', refused, whole, faulty({ kind: 'down', direction: 'forward' }), 'scenario.faults[0]', /no down of this kind/)
test('namespaces refuse hosts that share a process', refused, whole, scenarioOf({}, { hosts: [{ ...hosts[0], process: 'both' }, { ...hosts[1], process: 'both' }] }), 'scenario.hosts[0].process', /tell hosts of one process apart/)
test('namespaces refuse what else differs in a host\'s TCP', refused, whole, scenarioOf({}, { hosts: [{ ...hosts[0], tcp: { pacing: true } }, hosts[1]] }), 'scenario.hosts[0].tcp', /of its TCP/)

test('namespaces do on a whole kernel what they refuse on a poor one', t => {
  for (const scenario of [scenarioOf({ delayMs: 20 }), scenarioOf({ rateBitsPerSecond: 1e6 }), lossy, faulty({ kind: 'reset' }), congested('bbr')]) {
    t.notThrows(() => checkAllowed(parseScenario(scenario), namespacesAllow(whole)))
  }
})

test('a path without a rate, a delay or a loss needs no queue discipline', t => {
  const scenario = parseScenario(scenarioOf({ queue: { limitPackets: 9 } }))
  t.notThrows(() => checkAllowed(scenario, namespacesAllow(poor)))
  const [{ forward }] = scenario.paths
  t.deepEqual([...queueLines('d', forward), ...propagationLines('d', forward)], [])
})

test('a queue holds what the scenario says and the packet in service', t => {
  // tc-tbf(8): limit is the bytes that may wait for tokens, and the next one to leave is among them.
  const [bytes] = queueLines('d', { delayMs: 0, rateBitsPerSecond: 8e6, queue: { limitBytes: 30_000 } })
  t.is(bytes, 'qdisc replace dev d root handle 1: stab overhead -14 linklayer ethernet tbf rate 8000000bit burst 3500 limit 31500')
  const [, packets] = queueLines('d', { delayMs: 0, rateBitsPerSecond: 8e6, queue: { limitPackets: 20 } })
  t.is(packets, 'qdisc replace dev d parent 1:1 handle 10: pfifo limit 21')
})

test('jitter from 0 to a bound is netem\'s around the middle, and losses are in percent', t => {
  // tc-netem(8): delay TIME JITTER is TIME +- JITTER; loss gemodel p r 1-h 1-k, the losses of the bad state and the good.
  const forward = { delayMs: 20, jitter: { distribution: 'uniform', boundMs: 4 } as const, reorder: true, loss: { model: 'gilbert-elliott', p: 0.01, r: 0.25, lossGood: 0, lossBad: 0.5 } as const }
  const [netem] = propagationLines('d', forward)
  t.is(netem, 'qdisc replace dev d root handle 1: netem limit 1000000 delay 22ms 2ms loss gemodel 1% 25% 50% 0%')
})
