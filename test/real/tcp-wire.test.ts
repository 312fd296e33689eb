import { execFileSync, fork } from 'node:child_process'
import { once } from 'node:events'
import test from 'ava'
import { parseScenario } from '../../src/wires/scenario.ts'
import { TcpWire } from '../../src/wires/tcp.ts'
import type { ScenarioInput } from '../../src/wires/scenario.ts'
import type { RunOutcome, RunParameters, Wire } from '../../src/wires/wire.ts'
import type { TimedEvent } from '../fixtures/echo-roles.ts'

const rolesModule = new URL('../fixtures/echo-roles.ts', import.meta.url)
const wire = new TcpWire()

test.after.always(async () => { await wire.stop() })

function scenarioOf (clientRole: string, delayMs: number, more: Partial<ScenarioInput> = {}): ScenarioInput {
  return {
    hosts: [{ name: 'client', role: clientRole }, { name: 'server', role: 'server' }],
    paths: [{ from: 'client', to: 'server', forward: { delayMs } }],
    limitMs: 20_000,
    ...more
  }
}

async function play (scenario: ScenarioInput, parameters: RunParameters = {}, signal?: AbortSignal, on: Wire = wire): Promise<RunOutcome> {
  return await on.run({ scenario: parseScenario(scenario), rolesModule, parameters, seed: 'tcp-wire', ...(signal === undefined ? {} : { signal }) })
}

function timesOf ({ events }: RunOutcome, operation: string): number[] {
  return events.filter((event): event is TimedEvent => event.type === 'timed')
    .filter(event => event.operation === operation && event.error === '')
    .map(({ tookMs }) => tookMs)
    .sort((a, b) => a - b)
}

function median (sorted: readonly number[]): number {
  return sorted[Math.floor(sorted.length / 2)]
}

/** Process ids of all live descendants of a process. */
function descendants (of: number): number[] {
  const children = processes().filter(({ parent }) => parent === of).map(({ pid }) => pid)
  return children.flatMap(pid => [pid, ...descendants(pid)])
}

function alive (pid: number): boolean {
  return processes().some(process => process.pid === pid)
}

/** Zombies are gone, whoever is to collect them; `ps` itself is not looked for. */
function processes (): Array<{ readonly pid: number, readonly parent: number }> {
  const rows = execFileSync('ps', ['-A', '-o', 'pid=,ppid=,stat=,comm='], { encoding: 'utf8' }).trim().split('\n')
  return rows.map(row => row.trim().split(/\s+/))
    .filter(([, , state, command]) => !state.startsWith('Z') && command !== 'ps')
    .map(([pid, parent]) => ({ pid: Number(pid), parent: Number(parent) }))
}

async function until (condition: () => boolean): Promise<void> {
  while (!condition()) {
    await new Promise(resolve => setTimeout(resolve, 20))
  }
}

/** Waits until the run has recorded what a role records first; then it is well under way. */
const UNDER_WAY_MS = 300

test.serial('dial, new stream and echo, and echo take 3, 2 and 1 round trips and what the machine takes without a path', async t => {
  const near = await play(scenarioOf('client', 0), { rounds: 15 })
  const far = await play(scenarioOf('client', 10), { rounds: 15 })
  t.is(near.error, undefined)
  t.is(far.error, undefined)
  for (const [operation, roundTrips] of [['dial', 3], ['new-stream-and-echo', 2], ['echo', 1]] as const) {
    const processing = timesOf(near, operation)
    const times = timesOf(far, operation)
    t.is(times.length, 15)
    t.log(`${operation}: median ${(median(times) / 20).toFixed(3)} RTT, of which ${(median(processing) / 20).toFixed(3)} RTT are processing`)
    // Never early; and late by what processing may vary on a busy machine.
    t.true(times[0] >= roundTrips * 20, `${times[0]} ms`)
    t.true(median(times) < roundTrips * 20 + 2 * median(processing) + 10, `${median(times)} ms`)
  }
})

test.serial('later runs use the processes of earlier ones', async t => {
  const pids = descendants(process.pid)
  t.is(pids.length, 3)
  await play(scenarioOf('client', 0), { rounds: 1 })
  t.deepEqual(descendants(process.pid), pids)
})

test.serial('a frozen host is a process that does nothing until then', async t => {
  const faults: ScenarioInput['faults'] = [{ kind: 'freeze', host: 'server', atMs: 50, durationMs: 1_000 }]
  const outcome = await play(scenarioOf('client', 10, { faults }), { rounds: 1 })
  t.is(outcome.error, undefined)
  // Six round trips of 20 ms are not over at 50 ms; what is sent after that is answered after 1050 ms, 10 ms away.
  const tookMs = ['dial', 'new-stream-and-echo', 'echo'].reduce((sum, operation) => sum + timesOf(outcome, operation)[0], 0)
  t.true(tookMs > 1_050, `${tookMs} ms`)
})

test.serial('several runs at once do not meet', async t => {
  const outcomes = await Promise.all([1, 2].map(async rounds => await play(scenarioOf('client', 5), { rounds })))
  t.deepEqual(outcomes.map(({ error }) => error), [undefined, undefined])
  t.deepEqual(outcomes.map(outcome => timesOf(outcome, 'dial').length), [1, 2])
})

test.serial('events are in order of time, from time zero on', async t => {
  const { events } = await play(scenarioOf('client', 5), { rounds: 2 })
  t.deepEqual(events.map(({ timeMs }) => timeMs), events.map(({ timeMs }) => timeMs).toSorted((a, b) => a - b))
  t.true(events[0].timeMs >= 15 && events[0].timeMs < 500)
})

test.serial('a refused address costs a round trip before the next one is tried', async t => {
  const outcome = await play(scenarioOf('dialler', 50, {
    hosts: [{ name: 'client', role: 'dialler' }, { name: 'server', role: 'server', addresses: [{ state: 'refused' }, { state: 'reachable' }] }]
  }), { target: 'server' })
  const [tookMs] = timesOf(outcome, 'dial')
  t.true(tookMs >= 400 && tookMs < 500, `${tookMs} ms`)
})

test.serial('a host that dies is named, what it recorded is kept, and the next run is well', async t => {
  const outcome = await play(scenarioOf('dier', 5))
  t.is(outcome.error?.code, 'ERR_HOST_DIED')
  t.regex(outcome.error?.message ?? '', /host client exited with code 3/)
  t.deepEqual(outcome.events.map(({ type }) => type), ['before'])
  t.false(outcome.interrupted)
  t.is((await play(scenarioOf('client', 0), { rounds: 1 })).error, undefined)
})

test.serial('a role that throws fails the run with its code and text', async t => {
  const { error, events } = await play(scenarioOf('thrower', 5))
  t.deepEqual(error, { code: 'ERR_ABORTED', message: 'as asked' })
  t.deepEqual(events.map(({ type }) => type), ['before'])
})

test.serial('a role that nobody wrote fails the run', async t => {
  const { error } = await play(scenarioOf('nobody', 5))
  t.is(error?.code, 'ERR_INVALID_OPTION')
  t.regex(error?.message ?? '', /one of server, client.*nobody/)
})

test.serial('a run over its limit has timed out, and its events are kept', async t => {
  const { error, events } = await play(scenarioOf('waiter', 5, { limitMs: 300 }))
  t.is(error?.code, 'ERR_TIMEOUT')
  t.deepEqual(events.map(({ type }) => type), ['waiting'])
})

test.serial('a run that is cut short is marked, keeps its events, and leaves the wire usable', async t => {
  const controller = new AbortController()
  setTimeout(() => controller.abort(), UNDER_WAY_MS)
  const { error, events, interrupted } = await play(scenarioOf('waiter', 5), {}, controller.signal)
  t.true(interrupted)
  t.is(error, undefined)
  t.deepEqual(events.map(({ type }) => type), ['waiting'])
  t.is((await play(scenarioOf('client', 0), { rounds: 1 })).error, undefined)
})

test.serial('a run that is cut short before its hosts are up leaves nothing of it to the next one', async t => {
  for (const afterMs of [0, 10, 40]) {
    const controller = new AbortController()
    setTimeout(() => controller.abort(), afterMs)
    const { error, interrupted } = await play(scenarioOf('waiter', 5), {}, controller.signal)
    t.is(error, undefined)
    t.true(interrupted)
  }
  const outcome = await play(scenarioOf('client', 0), { rounds: 1 })
  t.is(outcome.error, undefined)
  t.deepEqual(outcome.events.map(({ host }) => host), ['client', 'client', 'client'])
})

test.serial('a role that does not end when told is ended with its process', async t => {
  const { error } = await play(scenarioOf('idler', 5, { limitMs: 100 }))
  t.is(error?.code, 'ERR_TIMEOUT')
})

test.serial('loss is refused, with its place', async t => {
  const scenario = scenarioOf('client', 5, { paths: [{ from: 'client', to: 'server', forward: { delayMs: 5, loss: { model: 'bernoulli', probability: 0.01 } } }] })
  await t.throwsAsync(play(scenario), { code: 'ERR_UNSUPPORTED', message: /cannot lose packets.*paths\[0\]\.forward\.loss/ })
})

test.serial('Ctrl-C in a terminal reaches the hosts too, and they leave it to their parent', async t => {
  const controller = new AbortController()
  const run = play(scenarioOf('waiter', 5), {}, controller.signal)
  await new Promise(resolve => setTimeout(resolve, UNDER_WAY_MS))
  for (const pid of descendants(process.pid)) {
    process.kill(pid, 'SIGINT')
  }
  await new Promise(resolve => setTimeout(resolve, 100))
  controller.abort()
  const { error, interrupted } = await run
  t.is(error, undefined)
  t.true(interrupted)
})

test.serial('stop interrupts what runs, leaves no process, and refuses more', async t => {
  const own = new TcpWire()
  const before = new Set(descendants(process.pid))
  const run = play(scenarioOf('idler', 5), {}, undefined, own)
  await until(() => descendants(process.pid).filter(pid => !before.has(pid)).length === 3)
  const started = descendants(process.pid).filter(pid => !before.has(pid))
  await own.stop()
  t.true((await run).interrupted)
  t.deepEqual(started.filter(alive), [])
  await t.throwsAsync(play(scenarioOf('client', 5), {}, undefined, own), { code: 'ERR_STOPPED' })
})

test.serial('a parent that is killed leaves no process behind', async t => {
  const parent = fork(new URL('../fixtures/endless-run.ts', import.meta.url), { execArgv: [] })
  const pid = parent.pid ?? 0
  await until(() => descendants(pid).length === 2)
  // Until they have imported what they run they cannot hear of it: that takes the longest.
  const children = descendants(pid)
  const exited = once(parent, 'exit')
  parent.kill('SIGKILL')
  await exited
  await until(() => children.every(child => !alive(child)))
  t.pass()
})
