import { execFileSync } from 'node:child_process'
import test from 'ava'
import { parseScenario } from '../../src/wires/scenario.ts'
import { TcpWire } from '../../src/wires/tcp.ts'
import type { ScenarioInput } from '../../src/wires/scenario.ts'
import type { RunOutcome } from '../../src/wires/wire.ts'
import type { TimedEvent } from '../fixtures/echo-roles.ts'

const CLIENTS = 20
const PROCESSES = 2

const wire = new TcpWire()

test.after.always(async () => { await wire.stop() })

/** A server, and clients that share two processes in turn; the first plays a role of its own. */
function crowd (role: string, firstRole = role, more: Partial<ScenarioInput> = {}): ScenarioInput {
  const clients = Array.from({ length: CLIENTS }, (_, index) => ({ name: `client-${index}`, role: index === 0 ? firstRole : role, process: `crowd-${index % PROCESSES}` }))
  return {
    hosts: [{ name: 'server', role: 'server' }, ...clients],
    paths: clients.map(({ name }) => ({ from: name, to: 'server', forward: { delayMs: 5 } })),
    limitMs: 20_000,
    ...more
  }
}

async function play (scenario: ScenarioInput, parameters = {}, signal?: AbortSignal): Promise<RunOutcome> {
  const rolesModule = new URL('../fixtures/echo-roles.ts', import.meta.url)
  return await wire.run({ scenario: parseScenario(scenario), rolesModule, parameters, seed: 'crowd', ...signal === undefined ? {} : { signal } })
}

function children (): number {
  const rows = execFileSync('ps', ['-A', '-o', 'ppid=,stat=,comm='], { encoding: 'utf8' }).trim().split('\n').map(row => row.trim().split(/\s+/))
  return rows.filter(([parent, state, command]) => Number(parent) === process.pid && !state.startsWith('Z') && command !== 'ps').length
}

const timed = (event: { readonly type: string }): event is TimedEvent => event.type === 'timed'

test.serial('hosts that name one process share it, and each is a node of its own', async t => {
  const { error, events } = await play(crowd('client'), { rounds: 2 })
  t.is(error, undefined)
  const times = events.filter(timed)
  // A dial, a stream and an echo, twice, of each.
  t.is(times.length, CLIENTS * 3 * 2)
  t.is(new Set(times.map(({ host }) => host)).size, CLIENTS)
  t.true(times.every(({ error, operation, tookMs }) => error === '' && tookMs >= (operation === 'dial' ? 30 : 10)))
  // The server's, the relay's and theirs.
  t.is(children(), 2 + PROCESSES)
})

test.serial('hosts of one process reach only those that a path joins to them', async t => {
  const { paths = [], ...others } = crowd('waiter', 'dialler', { limitMs: 300 })
  const { error, events } = await play({ ...others, paths: paths.slice(1) }, { target: 'server' })
  t.is(error?.code, 'ERR_TIMEOUT')
  t.deepEqual(events.filter(timed).filter(event => event.error === ''), [])
  t.is(events.filter(({ type }) => type === 'waiting').length, CLIENTS - 1)
})

test.serial('a process that dies fails the run with the names of its hosts, and the next run is well', async t => {
  const { error, events } = await play(crowd('waiter', 'dier'))
  t.is(error?.code, 'ERR_HOST_DIED')
  t.regex(error?.message ?? '', /hosts client-0 to client-18 exited with code 3/)
  t.is(events.filter(({ type }) => type === 'waiting').length, CLIENTS - 1)
  t.is((await play(crowd('client'), { rounds: 1 })).error, undefined)
})

test.serial('a role that nobody wrote, or that throws, fails the run of all who share its process, and the next one is well', async t => {
  const unknown = await play(crowd('client', 'nobody'), { rounds: 1 })
  t.is(unknown.error?.code, 'ERR_INVALID_OPTION')
  t.deepEqual(unknown.events, [])
  t.is((await play(crowd('waiter', 'thrower'))).error?.code, 'ERR_ABORTED')
  t.is((await play(crowd('client'), { rounds: 1 })).error, undefined)
})

test.serial('a run that is cut short while its hosts are made leaves nothing of it to the next one', async t => {
  for (const afterMs of [0, 20, 60]) {
    const controller = new AbortController()
    setTimeout(() => controller.abort(), afterMs)
    t.true((await play(crowd('waiter'), {}, controller.signal)).interrupted)
  }
  const { error, events } = await play(crowd('client'), { rounds: 1 })
  t.is(error, undefined)
  t.is(events.filter(timed).length, CLIENTS * 3)
  t.is(children(), 2 + PROCESSES)
})
