import { execFile, execFileSync, fork } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readlinkSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import test from 'ava'
import { parseScenario } from '../../src/wires/scenario.ts'
import type { PathDirectionInput, ScenarioInput } from '../../src/wires/scenario.ts'
import { inspectMachine } from '../../src/wires/tcp/namespaces/machine.ts'
import { TcpWire } from '../../src/wires/tcp.ts'
import type { RunOutcome, RunParameters, Wire } from '../../src/wires/wire.ts'
import { scenarioOf as contractScenario } from '../contract/contract.ts'
import { contracts } from '../contract/contracts.ts'
import type { BulkEvent, EchoEvent } from '../fixtures/bulk-roles.ts'
import type { TimedEvent } from '../fixtures/echo-roles.ts'

// Real peers, whose kernels' packets cross the simulator's links. That needs root and the commands of iproute2, which `.ci/run` installs.

const kernel = await inspectMachine().catch((error: unknown) => String(error))
const check = typeof kernel === 'string' ? test.skip : test.serial
const checkReset = typeof kernel === 'string' || !kernel.resets ? test.skip : test.serial

test.serial(`network namespaces ${typeof kernel === 'string' ? 'cannot be had here: nothing of them was checked' : 'are there'}`, t => {
  t.log(typeof kernel === 'string' ? kernel : { ...kernel, congestion: [...kernel.congestion] })
  t.pass()
})

const wire = new TcpWire({ network: 'namespaces' })

test.after.always(async () => { await wire.stop() })

const HOSTS = [{ name: 'client', role: 'client' }, { name: 'server', role: 'server' }] as const
const RATE = 20e6
/** IP bytes of a full segment, and what of them is payload: 20 B of IP, 20 B of TCP and 12 B of timestamps are not. */
const PACKET_BYTES = 1500
const PAYLOAD_SHARE = 1448 / PACKET_BYTES

function scenarioOf (role: string, forward: Partial<PathDirectionInput> = {}, more: Partial<ScenarioInput> = {}): ScenarioInput {
  return { hosts: [{ ...HOSTS[0], role }, HOSTS[1]], paths: [{ from: 'client', to: 'server', forward: { delayMs: 0, ...forward } }], limitMs: 30_000, ...more }
}

async function play (module: 'echo' | 'bulk', scenario: ScenarioInput, parameters: RunParameters = {}, signal?: AbortSignal, on: Wire = wire): Promise<RunOutcome> {
  const rolesModule = new URL(`../fixtures/${module}-roles.ts`, import.meta.url)
  return await on.run({ scenario: parseScenario(scenario), rolesModule, parameters, seed: 'namespaces', ...(signal === undefined ? {} : { signal }) })
}

function timed ({ events }: RunOutcome, operation: string): TimedEvent[] {
  return events.filter((event): event is TimedEvent => event.type === 'timed').filter(event => event.operation === operation)
}

function echoes ({ events }: RunOutcome): EchoEvent[] {
  return events.filter((event): event is EchoEvent => event.type === 'echo')
}

function quantile (values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.floor(share * (sorted.length - 1))]
}

/** Names and devices outside of the hosts' namespaces. */
function outside (): string {
  return typeof kernel === 'string' ? '' : [['netns', 'list'], ['-br', 'link']].map(args => execFileSync('ip', args, { encoding: 'utf8' })).join('\n')
}

/** The namespaces that a process's children are in, where it is not in them itself. */
function namespacesOf (parent: number): string[] {
  const own = namespaceOf(parent)
  return childrenOf(parent).map(namespaceOf).filter(namespace => namespace !== '' && namespace !== own)
}

function childrenOf (parent: number): number[] {
  const rows = execFileSync('ps', ['-A', '-o', 'pid=,ppid='], { encoding: 'utf8' }).trim().split('\n').map(row => row.trim().split(/\s+/).map(Number))
  return rows.filter(([, of]) => of === parent).map(([pid]) => pid)
}

function namespaceOf (pid: number | string): string {
  try {
    return readlinkSync(`/proc/${pid}/ns/net`)
  } catch {
    // It has ended since.
    return ''
  }
}

/** Waits until no process of the machine is in any of these namespaces. */
async function ended (namespaces: readonly string[]): Promise<void> {
  const inUse = (): boolean => readdirSync('/proc').filter(name => /^\d+$/.test(name)).some(pid => namespaces.includes(namespaceOf(pid)))
  while (inUse()) {
    await sleep(50)
  }
}

/** A run of processes that are there is well under way by then. */
const UNDER_WAY_MS = 500

for (const [name, contract] of Object.entries(contracts)) {
  const checkContract = name.startsWith('reset') ? checkReset : check
  checkContract(`between namespaces ${contract.claim}`, async t => {
    const scenario = parseScenario(contractScenario(contract, name))
    const outcome = await wire.run({ scenario, rolesModule: new URL('../contract/contracts.ts', import.meta.url), parameters: {}, seed: `contract/${name}` })
    t.is(outcome.error, undefined)
  })
}

check('a bulk transfer gets the payload\'s share of a path\'s rate, within 5%', async t => {
  // A deep queue: 100 ms in which the processes at both ends may be kept from running.
  const outcome = await play('bulk', scenarioOf('sender', { rateBitsPerSecond: RATE, queue: { limitBytes: 250_000 } }), { megabytes: 10 })
  const { meanMs = NaN, p99Ms = NaN } = outcome.packetLateness ?? {}
  t.true(meanMs >= 0 && p99Ms > 0, `packets were late by ${meanMs} ms, p99 ${p99Ms}`)
  const [{ tookMs, sentPackets, sentBytes }] = outcome.events.filter((event): event is BulkEvent => event.type === 'bulk')
  const share = 10e6 * 8e3 / tookMs / (RATE * PAYLOAD_SHARE)
  t.log(`${(share * 100).toFixed(2)}% of ${(RATE * PAYLOAD_SHARE / 1e6).toFixed(2)} Mbit/s`)
  t.true(share > 0.95 && share < 1.05, `${share}`)
  // Each segment counts with its headers, however TCP lumps them for its card: at least as many as full ones would be.
  const segments = Math.ceil(10e6 / 1448)
  t.true(sentPackets >= segments && sentBytes >= 10e6 + segments * (PACKET_BYTES - 1448), `${sentPackets} packets, ${sentBytes} B`)
})

// Forty packets, as long as the other.
for (const [kind, queue, bytes] of [['bytes', { limitBytes: 60_000 }, 60_000], ['packets', { limitPackets: 40 }, 60_000]] as const) {
  check(`behind a bulk transfer an echo waits for what a queue in ${kind} holds: its limit / the rate`, async t => {
    const outcome = await play('bulk', scenarioOf('sender', { rateBitsPerSecond: RATE, queue }), { megabytes: 12, echoes: true })
    const full = bytes * 8e3 / RATE
    // Slow start aside: CUBIC goes on from 0.7 of the window that filled queue and pipe, and the pipe is empty here.
    const waits = echoes(outcome).filter(({ askedMs }) => askedMs > 1_500).map(({ tookMs }) => tookMs)
    t.log(`${waits.length} echoes: 10% ${quantile(waits, 0.1).toFixed(2)} ms, median ${quantile(waits, 0.5).toFixed(2)} ms, 90% ${quantile(waits, 0.9).toFixed(2)} ms; a full queue is ${full} ms`)
    t.true(waits.length > 40)
    t.true(quantile(waits, 0.5) > 0.6 * full, 'the queue stands')
    // Beside the queue: the packet in service, the echo itself, and processing at both ends.
    t.true(quantile(waits, 0.5) < full + PACKET_BYTES * 8e3 / RATE + 3, 'the queue has an end')
  })
}

check('an address that is a black hole is silent: libp2p gives it up after its 5 s and tries the next; one that refuses is left at once', async t => {
  const outcomes = await Promise.all((['black-hole', 'refused'] as const).map(async state => await play('echo', scenarioOf('dialler', {}, {
    hosts: [{ name: 'client', role: 'dialler' }, { name: 'server', role: 'server', addresses: [{ state }, {}] }]
  }), { target: 'server' })))
  const [silent, refusing] = outcomes.map(outcome => timed(outcome, 'dial')[0])
  t.deepEqual([silent.error, refusing.error], ['', ''])
  t.log(`${silent.tookMs} ms, ${refusing.tookMs} ms`)
  t.true(silent.tookMs > 4_900 && silent.tookMs < 7_000)
  t.true(refusing.tookMs < 1_000)
})

check('a host that no path leads to is silent, too', async t => {
  const outcome = await play('echo', scenarioOf('dialler', {}, {
    hosts: [{ name: 'client', role: 'dialler' }, { name: 'server', role: 'server' }, { name: 'stranger', role: 'server' }]
  }), { target: 'stranger' })
  const [{ error, tookMs }] = timed(outcome, 'dial')
  t.not(error, '')
  t.true(tookMs > 4_900, `${tookMs} ms`)
})

const FROM_MS = 1_000
const LASTS_MS = 400
for (const [name, fault] of [
  ['a black hole', { kind: 'black-hole', from: 'client', to: 'server', scope: 'all' }],
  ['a black hole of the way there', { kind: 'black-hole', from: 'client', to: 'server', direction: 'forward', scope: 'all' }],
  ['a black hole of the way back', { kind: 'black-hole', from: 'server', to: 'client', direction: 'forward', scope: 'all' }],
  ['a cut cable', { kind: 'down', from: 'client', to: 'server' }],
  ['a partition', { kind: 'partition', nodes: ['server'] }]
] as const) {
  check(`nothing passes ${name}, and TCP goes on when it is over`, async t => {
    const outcome = await play('bulk', scenarioOf('asker', {}, { faults: [{ ...fault, atMs: FROM_MS, durationMs: LASTS_MS } as never] }), { forMs: 2_500 })
    t.is(outcome.error, undefined)
    const all = echoes(outcome)
    const [longest] = all.toSorted((a, b) => b.tookMs - a.tookMs)
    t.log(`asked at ${longest.askedMs.toFixed(1)} ms, took ${longest.tookMs.toFixed(1)} ms; others at most ${quantile(all.map(({ tookMs }) => tookMs), 0.95).toFixed(1)} ms`)
    // One echo every 20 ms is asked for.
    const answeredMs = longest.askedMs + longest.tookMs
    t.true(longest.askedMs > FROM_MS - 20 && longest.askedMs < FROM_MS + 200)
    t.true(answeredMs >= FROM_MS + LASTS_MS)
    // The segment is sent again after 200 ms (Linux's least), or what the round trips were above it, and twice that each time.
    t.true(answeredMs < FROM_MS + LASTS_MS + 1_000)
    t.true(all.at(-1)!.askedMs > answeredMs)
  })
}

check('hosts do TCP as the scenario says: CUBIC, or what is named', async t => {
  const scenario = scenarioOf('asker', {}, { hosts: [{ name: 'client', role: 'asker', tcp: { congestion: 'reno' } }, HOSTS[1]] })
  const run = play('bulk', scenario, { forMs: 3_000 })
  const seen = new Set<string>()
  const over = new AbortController()
  run.finally(() => over.abort()).catch(() => {})
  while (!over.signal.aborted) {
    await Promise.all(childrenOf(process.pid).map(async pid => {
      const { stdout } = await promisify(execFile)('nsenter', ['--target', String(pid), '--net', '--', 'ss', '-Htin', 'dst', '10.0.0.0/16']).catch(() => ({ stdout: '' }))
      for (const [, local, controller] of stdout.matchAll(/(10\.0\.\d)\.1:\d+ .*\n\s+(\w+) /g)) {
        seen.add(`${local} ${controller}`)
      }
    }))
  }
  t.deepEqual([...seen].sort(), ['10.0.0 reno', '10.0.1 cubic'])
})

check('dial and echo take 3 and 1 round trips of a path with a delay', async t => {
  const outcome = await play('echo', scenarioOf('client', { delayMs: 20 }), { rounds: 10 })
  for (const [operation, roundTrips] of [['dial', 3], ['echo', 1]] as const) {
    const times = timed(outcome, operation).map(({ tookMs }) => tookMs)
    t.log(`${operation}: ${quantile(times, 0).toFixed(2)} ms at least, ${quantile(times, 0.5).toFixed(2)} ms in the median`)
    t.true(quantile(times, 0) >= roundTrips * 40 && quantile(times, 0.5) < roundTrips * 40 + 30, `${operation}: ${times.join(', ')}`)
  }
})

check('a shared link, its trace, losses and cross traffic befall real peers', async t => {
  const access = { forward: { delayMs: 5, loss: { model: 'bernoulli', probability: 0.02 } as const } }
  const bottleneck = { forward: { delayMs: 5, trace: { opportunitiesMs: Array.from({ length: 100 }, (_, index) => index + 1) }, queue: { discipline: 'codel' as const } } }
  const hosts = [{ name: 'client', role: 'client' }, { name: 'server', role: 'server' }, { name: 'from', role: 'server' }, { name: 'to', role: 'server' }]
  const outcome = await play('echo', scenarioOf('client', {}, {
    hosts, paths: [], topology: { kind: 'dumbbell', pairs: 2, access, bottleneck }, crossTraffic: [{ kind: 'poisson', from: 'from', to: 'to', rateBitsPerSecond: 6e6 }]
  }), { rounds: 10 })
  t.is(outcome.error, undefined)
  const times = timed(outcome, 'echo').map(({ tookMs }) => tookMs)
  // Two access links and the shared one, 5 ms each, both ways.
  t.true(times.length === 10 && quantile(times, 0) >= 30, times.join(', '))
})

check('a scenario that this machine cannot bring about is refused, with its place, before anything is started', async t => {
  const own = new TcpWire({ network: 'namespaces' })
  t.teardown(async () => { await own.stop() })
  const children = namespacesOf(process.pid)
  const error = await t.throwsAsync(play('echo', scenarioOf('client', {}, { crossTraffic: [{ kind: 'bulk-tcp', from: 'client', to: 'server' }] }), {}, undefined, own), { code: 'ERR_UNSUPPORTED' })
  t.regex(error.message, /scenario\.crossTraffic/)
  t.deepEqual(namespacesOf(process.pid), children)
})

check('a stopped run leaves no namespace and no device behind, nor do interrupted ones before it', async t => {
  const before = { outside: outside(), namespaces: namespacesOf(process.pid) }
  const own = new TcpWire({ network: 'namespaces' })
  t.teardown(async () => { await own.stop() })
  for (const afterMs of [0, 30, 300]) {
    const { error, interrupted } = await play('echo', scenarioOf('waiter'), {}, AbortSignal.timeout(afterMs), own)
    t.is(error, undefined)
    t.true(interrupted)
  }
  t.is((await play('echo', scenarioOf('client'), { rounds: 1 }, undefined, own)).error, undefined)
  const idle = play('echo', scenarioOf('idler'), {}, undefined, own)
  await sleep(UNDER_WAY_MS)
  const namespaces = namespacesOf(process.pid).filter(name => !before.namespaces.includes(name))
  t.is(namespaces.length, 3)
  await own.stop()
  t.true((await idle).interrupted)
  await ended(namespaces)
  t.deepEqual({ outside: outside(), namespaces: namespacesOf(process.pid) }, before)
})

check('a killed process leaves no namespace and no device behind', async t => {
  const before = outside()
  const parent = fork(new URL('../fixtures/endless-run.ts', import.meta.url), ['namespaces'], { execArgv: [] })
  const pid = parent.pid ?? 0
  while (namespacesOf(pid).length < 2) {
    await sleep(50)
  }
  await sleep(UNDER_WAY_MS)
  const namespaces = namespacesOf(pid)
  const exited = once(parent, 'exit')
  parent.kill('SIGKILL')
  await exited
  await ended(namespaces)
  t.is(outside(), before)
})

check('a host that dies is named, and the next run is well', async t => {
  const { error } = await play('echo', scenarioOf('dier'))
  t.is(error?.code, 'ERR_HOST_DIED')
  t.is((await play('echo', scenarioOf('client'), { rounds: 1 })).error, undefined)
})

for (const [without, options, expected] of [
  ['the commands of iproute2', { env: { PATH: '/nowhere' } }, /the command \w+ \(of [\w-]+\)/], ['root', { uid: 65_534 }, /root/]
] as const) {
  check(`without ${without} a machine is said not to do`, async t => {
    const file = new URL('../fixtures/inspect-machine.ts', import.meta.url)
    const { stdout } = await promisify(execFile)(process.execPath, [file.pathname], options)
    const error = JSON.parse(stdout) as { readonly code: string, readonly expected: string }
    t.is(error.code, 'ERR_UNSUPPORTED')
    t.regex(error.expected, expected)
  })
}
