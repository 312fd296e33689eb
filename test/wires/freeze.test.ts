import test from 'ava'
import { parseScenario } from '../../src/wires/scenario.ts'
import type { ScenarioInput } from '../../src/wires/scenario.ts'
import { SimWire } from '../../src/wires/sim.ts'
import { StackWire } from '../../src/wires/stack.ts'
import { TwinwireError } from '../../src/core/errors.ts'
import { CLIENT_AND_SERVER, play, timesOf } from '../fixtures/scenario-tools.ts'
import type { FrozenEvent } from '../fixtures/freeze-roles.ts'

// A path of 10 ms each way: a dial ends at 60 ms, a new stream with an echo at 100, an echo on it at 120.
const paths: ScenarioInput['paths'] = [{ from: 'client', to: 'server', forward: { delayMs: 10 } }]

async function timesWith (host: 'client' | 'server', atMs: number, durationMs: number): Promise<number[]> {
  const outcome = await play({ hosts: [...CLIENT_AND_SERVER], paths, faults: [{ kind: 'freeze', host, atMs, durationMs }], limitMs: 60_000 })
  return ['dial', 'new-stream-and-echo', 'echo'].map(operation => Math.round(timesOf(outcome, operation)[0] * 1e6) / 1e6)
}

async function frozen (scenario: ScenarioInput): Promise<ReadonlyMap<string, number>> {
  const { events, error } = await new SimWire().run({
    scenario: parseScenario(scenario), rolesModule: new URL('../fixtures/freeze-roles.ts', import.meta.url), parameters: {}, seed: 'freeze'
  })
  if (error !== undefined) {
    throw new Error(error.message)
  }
  return new Map(events.filter(({ type }) => type === 'frozen').map(event => event as FrozenEvent).map(({ what, value }) => [what, value]))
}

test('what is sent to a frozen host is answered at the end of the freeze and half a round trip', async t => {
  // The echo is sent at 100 ms, arrives at 110, and is answered at 1105.
  t.deepEqual(await timesWith('server', 105, 1_000), [60, 40, 1105 + 10 - 100])
})

test('what arrives at a frozen host is read at the end of the freeze', async t => {
  t.deepEqual(await timesWith('client', 110, 1_000), [60, 40, 1110 - 100])
})

test('the kernel of a frozen host makes the connection, and its program accepts it afterwards', async t => {
  // Without a freeze the program accepts at 30 ms, when the handshake is over, and has been sent something by then.
  t.deepEqual(await timesWith('server', 5, 1_000), [60 + 1005 - 30, 40, 20])
})

test('a freeze at which nothing happens changes nothing, and two that overlap are one', async t => {
  t.deepEqual(await timesWith('server', 30.5, 5), [60, 40, 20])
  const faults: ScenarioInput['faults'] = [{ kind: 'freeze', host: 'server', atMs: 105, durationMs: 500 }, { kind: 'freeze', host: 'server', atMs: 305, durationMs: 100 }, { kind: 'freeze', host: 'server', atMs: 505, durationMs: 500 }]
  const outcome = await play({ hosts: [...CLIENT_AND_SERVER], paths, faults, limitMs: 60_000 })
  t.is(Math.round(timesOf(outcome, 'echo')[0]), 1005 + 10 - 100)
})

test('a dial to a frozen host is given up as any handshake that is not answered', async t => {
  // TCP is connected after 20 ms; libp2p gives an address 6 s.
  const outcome = await play({ hosts: [...CLIENT_AND_SERVER], paths, faults: [{ kind: 'freeze', host: 'server', atMs: 5, durationMs: 20_000 }], limitMs: 60_000 })
  t.deepEqual(timesOf(outcome, 'dial'), [])
  t.is(outcome.error?.code, 'EncryptionFailedError')
})

test('a time-out that came due in a freeze goes before the answer that had arrived', async t => {
  const hosts = [{ name: 'client', role: 'racer' }, { name: 'server', role: 'server' }]
  // Asked at 1000 ms: the answer is there at 1020, the time-out is at 1050.
  const awake = await frozen({ hosts, paths, limitMs: 60_000 })
  t.true((awake.get('answer') ?? NaN) < 1025 && awake.get('timer') === 1050)
  const order = await frozen({ hosts, paths, faults: [{ kind: 'freeze', host: 'client', atMs: 1_005, durationMs: 500 }], limitMs: 60_000 })
  t.deepEqual([...order.keys()], ['timer', 'answer'])
  t.deepEqual([...order.values()], [1505, 1505])
})

test('a node that stood still itself ejects nobody, and knows for how long it did', async t => {
  const servers = Array.from({ length: 6 }, (_, index) => `server-${index + 1}`)
  const told = await frozen({
    hosts: [{ name: 'client', role: 'asker', libp2p: { connectionMonitor: false } }, ...servers.map(name => ({ name, role: 'server' }))],
    paths: servers.map(to => ({ from: 'client', to, forward: { delayMs: 10 } })),
    faults: [{ kind: 'freeze', host: 'client', atMs: 5_000, durationMs: 8_000 }],
    limitMs: 120_000
  })
  t.is(told.get('ejections'), 0)
  // The monitor looks once a second: what it expected was due within a second of the freeze's beginning.
  const stalledMs = told.get('stalledMs') ?? NaN
  t.true(stalledMs > 7_000 && stalledMs <= 8_000, `${stalledMs} ms`)
})

test('hosts that share a thread are not frozen', async t => {
  const wire = new StackWire()
  const scenario = parseScenario({ hosts: [...CLIENT_AND_SERVER], paths, faults: [{ kind: 'freeze', host: 'client', atMs: 1, durationMs: 1 }], limitMs: 1_000 })
  const error = await t.throwsAsync(wire.run({ scenario, rolesModule: new URL('file:///nowhere'), parameters: {}, seed: 's' }), { instanceOf: TwinwireError, code: 'ERR_UNSUPPORTED' })
  t.is(error.path, 'scenario.faults[0]')
  t.throws(() => parseScenario({ hosts: [...CLIENT_AND_SERVER], paths, faults: [{ kind: 'freeze', host: 'sever', atMs: 1, durationMs: 1 }], limitMs: 1_000 }), { code: 'ERR_UNKNOWN_HOST' })
})
