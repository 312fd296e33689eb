import test from 'ava'
import { TwinwireError } from '../../src/core/errors.ts'
import { parseScenario } from '../../src/wires/scenario.ts'
import type { ScenarioInput } from '../../src/wires/scenario.ts'
import { checkAllowed } from '../../src/wires/tcp/allowed.ts'
import { namespacesAllow } from '../../src/wires/tcp/namespaces/allows.ts'
import type { Kernel } from '../../src/wires/tcp/namespaces/machine.ts'

const whole: Kernel = { resets: true, congestion: new Set(['cubic', 'reno', 'bbr']) }
const poor: Kernel = { resets: false, congestion: new Set(['cubic']) }
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

test('a kernel that resets no connections is named where a fault does', refused, poor, faulty({ kind: 'reset' }), 'scenario.faults[0]', /CONFIG_INET_DIAG_DESTROY/)
test('a kernel without BBR is named where a host has it', refused, poor, congested('bbr'), 'scenario.hosts[0].tcp', /no congestion control bbr/)

test('namespaces refuse a rate that the hub does not carry', refused, whole, scenarioOf({ rateBitsPerSecond: 101e6 }), `${FORWARD}.rateBitsPerSecond`, /100 Mbit\/s at most/)
test('namespaces refuse a fault with such a rate', refused, whole, faulty({ kind: 'rate', rateBitsPerSecond: 101e6 }), 'scenario.faults[0]', /100 Mbit\/s at most/)
test('namespaces refuse hosts that share a process', refused, whole, scenarioOf({}, { hosts: [{ ...hosts[0], process: 'both' }, { ...hosts[1], process: 'both' }] }), 'scenario.hosts[0].process', /tell hosts of one process apart/)
test('namespaces refuse what else differs in a host\'s TCP', refused, whole, scenarioOf({}, { hosts: [{ ...hosts[0], tcp: { pacing: true } }, hosts[1]] }), 'scenario.hosts[0].tcp', /of its TCP/)

test('namespaces refuse cross traffic of a TCP that would be the simulator\'s', refused, whole, scenarioOf({}, { crossTraffic: [{ kind: 'bulk-tcp', from: 'a', to: 'b' }] }), 'scenario.crossTraffic', /other traffic than datagrams/)

test('namespaces do on a whole kernel what they refuse on a poor one, and all that links do on both', t => {
  for (const scenario of [faulty({ kind: 'reset' }), congested('bbr')]) {
    t.notThrows(() => checkAllowed(parseScenario(scenario), namespacesAllow(whole)))
  }
  for (const scenario of [
    scenarioOf({ delayMs: 20, rateBitsPerSecond: 1e6, queue: { discipline: 'fq-codel' }, loss: { model: 'scripted', packets: [3] }, jitter: { distribution: 'pareto', scaleMs: 1, shape: 3 }, reorder: true, corruption: 0.1, duplication: 0.1, mtuBytes: 1280 }),
    faulty({ kind: 'stall', durationMs: 5 }), faulty({ kind: 'black-hole', scope: 'existing' }), faulty({ kind: 'down', direction: 'forward' }), faulty({ kind: 'rate', rateBitsPerSecond: 1e6 })
  ]) {
    t.notThrows(() => checkAllowed(parseScenario(scenario), namespacesAllow(poor)))
  }
})
