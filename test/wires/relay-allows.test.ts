import test from 'ava'
import * as fc from 'fast-check'
import { TwinwireError } from '../../src/core/errors.ts'
import { parseScenario } from '../../src/wires/scenario.ts'
import type { ScenarioInput } from '../../src/wires/scenario.ts'
import { SimWire } from '../../src/wires/sim.ts'
import { checkAllowed } from '../../src/wires/tcp/allowed.ts'
import { namespacesAllow } from '../../src/wires/tcp/namespaces/allows.ts'
import { checkRateOfConnections } from '../../src/wires/tcp/loopback-allows.ts'
import { checkOpenFiles } from '../../src/wires/tcp/open-files.ts'
import { RELAY_ALLOWS } from '../../src/wires/tcp/relay-allows.ts'
import { checkFreezes } from '../../src/wires/tcp/shared-processes.ts'
import { TcpWire } from '../../src/wires/tcp.ts'
import { CLIENT_AND_SERVER } from '../fixtures/scenario-tools.ts'

const hosts = [{ name: 'a', role: 'sampler' }, { name: 'b', role: 'idle' }]

function scenarioOf (direction: object, others: object = {}): ScenarioInput {
  return { hosts, paths: [{ from: 'a', to: 'b', forward: { delayMs: 1, ...direction } }], limitMs: 10_000, ...others }
}

const refused = test.macro((t, scenario: ScenarioInput, path: string, message: RegExp) => {
  const error = t.throws(() => checkAllowed(parseScenario(scenario), RELAY_ALLOWS), { instanceOf: TwinwireError, code: 'ERR_UNSUPPORTED', message })
  t.is(error.path, path)
  t.truthy(error.expected)
  t.truthy(error.found)
})

const FORWARD = 'scenario.paths[0].forward'
test('a relay refuses loss', refused, scenarioOf({ loss: { model: 'periodic', every: 9 } }), `${FORWARD}.loss`, /cannot lose packets/)
test('a relay refuses corruption', refused, scenarioOf({ corruption: 0.1 }), `${FORWARD}.corruption`, /cannot damage packets/)
test('a relay refuses duplication', refused, scenarioOf({ duplication: 0.1 }), `${FORWARD}.duplication`, /cannot duplicate packets/)
test('a relay refuses reordering', refused, scenarioOf({ reorder: true, jitter: { distribution: 'uniform', boundMs: 1 } }), `${FORWARD}.reorder`, /cannot reorder packets/)
test('a relay refuses an MTU', refused, scenarioOf({ mtuBytes: 1280 }), `${FORWARD}.mtuBytes`, /cannot see packets/)
test('a relay refuses a policer', refused, scenarioOf({ policer: { rateBitsPerSecond: 1e6, burstBytes: 1e4 } }), `${FORWARD}.policer`, /cannot drop packets/)
test('a relay refuses RED', refused, scenarioOf({ queue: { discipline: 'red' } }), `${FORWARD}.queue`, /cannot drop packets/)
test('a relay refuses a trace', refused, scenarioOf({ trace: { opportunitiesMs: [1] } }), `${FORWARD}.trace`, /cannot deliver packet by packet/)
test('a relay refuses a topology', refused, { hosts, topology: { kind: 'star', access: { forward: { delayMs: 1 } } }, limitMs: 1 }, 'scenario.topology', /cannot join more than two hosts/)
test('a relay refuses cross traffic', refused, scenarioOf({}, { crossTraffic: [{ kind: 'poisson', from: 'a', to: 'b', rateBitsPerSecond: 1e6 }] }), 'scenario.crossTraffic', /cannot send datagrams/)
const computing = { perEventMs: 1 }
test('a relay refuses to make a processor slower', refused, scenarioOf({}, { hosts: [{ ...hosts[0], processing: computing }, hosts[1]] }), 'scenario.hosts[0].processing', /cannot make a processor slower/)
test('what stands for the computing of real peers is left to them, by a relay and between namespaces', t => {
  const scenario = parseScenario(scenarioOf({}, { hosts: [{ ...hosts[0], processing: { ...computing, ofRealPeers: true } }, hosts[1]] }))
  for (const allows of [RELAY_ALLOWS, namespacesAllow({ resets: true, congestion: new Set(['cubic']) })]) {
    t.notThrows(() => checkAllowed(scenario, allows))
  }
})
test('a relay refuses to count connections by address where all peers have one', t => {
  const libp2p = { limits: 'default' } as const
  const scenario = parseScenario(scenarioOf({}, { hosts: [{ ...hosts[0], libp2p }, hosts[1], { name: 'c', role: 'idle' }] }))
  t.throws(() => checkRateOfConnections(scenario), { instanceOf: TwinwireError, code: 'ERR_UNSUPPORTED', message: /would be counted as one/ })
  t.notThrows(() => checkRateOfConnections(parseScenario(scenarioOf({}, { hosts: [{ ...hosts[0], libp2p }, hosts[1]] }))))
})

/** `a` freezes, which is in one process with these. */
function frozen (sharers: readonly string[]): ScenarioInput {
  const names = ['a', 'b', 'c']
  return scenarioOf({}, {
    hosts: names.map(name => ({ name, role: 'idle', ...sharers.includes(name) ? { process: 'shared' } : {} })),
    faults: [{ kind: 'stall', from: 'a', to: 'b', atMs: 1, durationMs: 1 }, { kind: 'freeze', host: 'a', atMs: 1, durationMs: 1 }]
  })
}

test('a host that shares its process cannot freeze, which would freeze all that do; one alone in its process can', async t => {
  const error = t.throws(() => checkFreezes(parseScenario(frozen(['a', 'c']))), { instanceOf: TwinwireError, code: 'ERR_UNSUPPORTED', message: /share a process cannot be frozen/ })
  t.like(error, { path: 'scenario.faults[1].host', expected: 'a host that is alone in its process on the tcp wire', found: '"a", one of 2 in the process "shared"' })
  for (const sharers of [[], ['a'], ['b', 'c']]) {
    t.notThrows(() => checkFreezes(parseScenario(frozen(sharers))))
  }
  const wire = new TcpWire()
  t.teardown(async () => { await wire.stop() })
  await t.throwsAsync(wire.run({ scenario: parseScenario(frozen(['a', 'b', 'c'])), rolesModule: new URL('file:///nowhere'), parameters: {}, seed: 's' }), { code: 'ERR_UNSUPPORTED', message: /share a process/ })
})

test('a relay refuses another TCP', refused, scenarioOf({}, { hosts: [{ ...hosts[0], tcp: { congestion: 'reno' } }, hosts[1]] }), 'scenario.hosts[0].tcp', /cannot change how a kernel does TCP/)
test('a relay refuses a cut cable', refused, scenarioOf({}, { faults: [{ kind: 'down', from: 'a', to: 'b', atMs: 1 }] }), 'scenario.faults[0]', /has no down/)
test('a relay refuses a partition', refused, scenarioOf({}, { faults: [{ kind: 'partition', nodes: ['a'], atMs: 1 }] }), 'scenario.faults[0]', /has no partition/)
test('a relay refuses a stall of one way', refused, scenarioOf({}, { faults: [{ kind: 'stall', from: 'a', to: 'b', direction: 'forward', atMs: 1, durationMs: 1 }] }), 'scenario.faults[0]', /has no stall one way/)
test('a relay looks at the way back as well', refused, { ...scenarioOf({}), paths: [{ from: 'a', to: 'b', forward: { delayMs: 1 }, backward: { delayMs: 1, corruption: 0.1 } }] }, 'scenario.paths[0].backward.corruption', /cannot damage/)

test('a relay does what it always did, with any jitter, and takes no for an answer', t => {
  t.notThrows(() => checkAllowed(parseScenario(scenarioOf({
    rateBitsPerSecond: 1e6, jitter: { distribution: 'pareto', scaleMs: 1, shape: 3 }, reorder: false, corruption: 0, duplication: 0,
    loss: { model: 'bernoulli', probability: 0 }, queue: { limitPackets: 9 }
  }, { faults: [{ kind: 'stall', from: 'a', to: 'b', atMs: 1, durationMs: 1 }, { kind: 'reset', from: 'a', to: 'b', atMs: 1 }] })), RELAY_ALLOWS))
})

test('the wire refuses before it starts a process', async t => {
  const wire = new TcpWire()
  t.teardown(async () => { await wire.stop() })
  await t.throwsAsync(wire.run({ scenario: parseScenario(scenarioOf({ corruption: 0.5 })), rolesModule: new URL('file:///nowhere'), parameters: {}, seed: 's' }), { code: 'ERR_UNSUPPORTED' })
})

test('a relay refuses what takes more open files than a process may have, and says how many', async t => {
  const clients = Array.from({ length: 1000 }, (_, index) => ({ name: `client-${index}`, role: 'idle', process: `crowd-${index % 20}` }))
  const scenario = parseScenario({ hosts: [{ name: 'server', role: 'idle' }, ...clients], paths: clients.map(({ name }) => ({ from: name, to: 'server', forward: { delayMs: 1 } })), limitMs: 1 })
  // A port for each end of a path and two sockets, a port for each host, and 100 for Node.
  const needed = 1000 * 4 + 1001 + 100
  await t.notThrowsAsync(checkOpenFiles(scenario, needed))
  await t.throwsAsync(checkOpenFiles(scenario, needed - 1), { instanceOf: TwinwireError, code: 'ERR_UNSUPPORTED', message: new RegExp(`expected ${needed} files or more; found a limit of ${needed - 1}`) })
})

const wild = fc.constantFrom<number>(-1, 0, 1e-9, 0.5, 1, 3, 1e12, 1e15, NaN, Infinity)
/** Mostly what is right, so that much runs. */
const mostly = <T>(...right: T[]): fc.Arbitrary<T | number> => fc.oneof({ weight: 20, arbitrary: fc.constantFrom(...right) }, { weight: 1, arbitrary: wild })
const share = mostly(0, 0.1, 1)
const ms = mostly(1, 5, 500)
const count = mostly(1, 20)
/** With up to three of the fields. */
const partOf = <T extends object>(fields: fc.Arbitrary<T>, keys: ReadonlyArray<keyof T>): fc.Arbitrary<Partial<T>> => {
  return fc.tuple(fields, fc.subarray([...keys], { maxLength: 3 })).map(([whole, chosen]) => Object.fromEntries(chosen.map(key => [key, whole[key]])) as Partial<T>)
}
const record = <T>(kind: object, fields: { [Key in keyof T]: fc.Arbitrary<T[Key]> }): fc.Arbitrary<object> => fc.record(fields).map(rest => ({ ...kind, ...rest }))

const queue = fc.oneof(
  record({}, { limitPackets: count }), record({}, { limitBytes: mostly(1500, 1e5) }), record({ discipline: 'red' }, { minimumPackets: count, ecn: fc.boolean() }),
  record({ discipline: 'codel' }, { targetMs: ms, limitPackets: count }), record({ discipline: 'fq-codel' }, { flows: count, intervalMs: ms }), fc.constant({ discipline: 'pie' })
)
const jitter = fc.oneof(
  record({ distribution: 'uniform' }, { boundMs: ms }), record({ distribution: 'normal' }, { deviationMs: ms }),
  record({ distribution: 'pareto' }, { scaleMs: ms, shape: mostly(1.5, 3) }), record({ distribution: 'empirical' }, { samplesMs: fc.array(ms, { minLength: 1, maxLength: 3 }) })
)
const loss = fc.oneof(
  record({ model: 'bernoulli' }, { probability: share }), record({ model: 'periodic' }, { every: count }),
  record({ model: 'scripted' }, { packets: fc.array(count, { maxLength: 1 }) }), record({ model: 'gilbert-elliott' }, { p: share, r: share, lossGood: share, lossBad: share })
)
const rate = mostly(1e5, 1e6, 1e9)
const directionFields = fc.record({
  rateBitsPerSecond: rate, trace: record({}, { opportunitiesMs: fc.array(mostly(3), { minLength: 1, maxLength: 3 }) }), jitter, reorder: fc.boolean(), loss,
  corruption: share, duplication: share, mtuBytes: mostly(576, 1500), policer: record({}, { rateBitsPerSecond: rate, burstBytes: mostly(1e4) }), queue
})
const direction = fc.tuple(mostly(0, 1, 20), partOf(directionFields, ['rateBitsPerSecond', 'trace', 'jitter', 'reorder', 'loss', 'corruption', 'duplication', 'mtuBytes', 'policer', 'queue']))
  .map(([delayMs, rest]) => ({ delayMs, ...rest }))

const ends = fc.constantFrom({ from: 'client', to: 'server' }, { from: 'server', to: 'client' }, { from: 'client', to: 'hub' }, { from: 'client', to: 'nobody' })
const events = fc.array(fc.tuple(ends, fc.oneof(
  record({ kind: 'black-hole' }, { atMs: ms, durationMs: ms, scope: fc.constantFrom('all', 'existing') }), record({ kind: 'stall', direction: 'forward' }, { atMs: ms, durationMs: ms }),
  record({ kind: 'down' }, { atMs: ms }), record({ kind: 'rate' }, { atMs: ms, rateBitsPerSecond: rate }), record({ kind: 'reset' }, { atMs: ms })
)).map(([pair, fault]) => ({ ...pair, ...fault })), { maxLength: 2 })
const partition = fc.constantFrom([], [{ kind: 'partition', nodes: ['server'], atMs: 5 }], [{ kind: 'partition', nodes: ['nobody'], atMs: 5 }])
const crossTraffic = fc.array(fc.tuple(ends, fc.oneof(
  record({ kind: 'poisson' }, { rateBitsPerSecond: mostly(1, 1e6) }), record({ kind: 'on-off' }, { rateBitsPerSecond: mostly(1e6), meanOnMs: ms, meanOffMs: ms })
)).map(([pair, traffic]) => ({ ...pair, ...traffic })), { maxLength: 1 })
const joined = fc.oneof(
  { weight: 3, arbitrary: direction.map(forward => ({ paths: [{ from: 'client', to: 'server', forward }] })) },
  { weight: 1, arbitrary: direction.map(forward => ({ topology: { kind: 'star', access: { forward } } })) }
)
const scenario = fc.record({ joined, events, partition, crossTraffic, limitMs: mostly(3_000) }).map(({ joined, events, partition, crossTraffic, limitMs }) => {
  return { hosts: [...CLIENT_AND_SERVER], ...joined, faults: [...events, ...partition], crossTraffic, limitMs }
})

test('every scenario runs, or is refused with where, what was expected and what was found', async t => {
  let ran = 0
  let refusals = 0
  await fc.assert(fc.asyncProperty(scenario, async input => {
    try {
      const parsed = parseScenario(input as unknown as ScenarioInput)
      const { error } = await new SimWire().run({ scenario: parsed, rolesModule: new URL('../fixtures/echo-roles.ts', import.meta.url), parameters: { rounds: 2 }, seed: 'property' })
      // What a role meets has names of its own; these are bugs'.
      if (error !== undefined && /^(Error|TypeError|RangeError|ERR_CONSERVATION)$/.test(error.code)) {
        throw new Error(`${error.code}: ${error.message}`)
      }
      ran++
      checkAllowed(parsed, RELAY_ALLOWS)
    } catch (error) {
      if (!(error instanceof TwinwireError) || error.path === undefined || error.expected === undefined || error.found === undefined) {
        throw error
      }
      refusals++
    }
  }), { seed: 2, numRuns: 2000 })
  t.log(`${ran} ran, ${refusals} were refused`)
  t.true(ran > 300 && refusals > 300, `${ran} ran, ${refusals} were refused`)
})
