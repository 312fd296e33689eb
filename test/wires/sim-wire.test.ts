import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import test from 'ava'
import { readEventLog } from '../../src/sim/event-log-reader.ts'
import { parseScenario } from '../../src/wires/scenario.ts'
import { SimWire } from '../../src/wires/sim.ts'
import type { RunOutcome } from '../../src/wires/wire.ts'
import { temporaryDirectory } from '../fixtures/run-cli.ts'

async function play (role: string, { seed = 'a', signal, eventLog, rolesModule = '../fixtures/sim-roles.ts' }: { seed?: string, signal?: AbortSignal, eventLog?: string, rolesModule?: string } = {}): Promise<RunOutcome> {
  return await new SimWire().run({
    scenario: parseScenario({
      hosts: [{ name: 'a', role }, { name: 'b', role: 'idle' }],
      paths: [{ from: 'a', to: 'b', forward: { delayMs: 10, loss: { model: 'bernoulli', probability: 0.1 } } }],
      limitMs: 5_000
    }),
    rolesModule: new URL(rolesModule, import.meta.url),
    parameters: {},
    seed,
    ...eventLog !== undefined && { eventLog },
    ...signal && { signal }
  })
}

test('a set-up that never ends is a time-out at the limit', async t => {
  t.is((await play('stuck-in-set-up')).error?.code, 'ERR_TIMEOUT')
})

test('a role that never ends is a time-out at the limit', async t => {
  t.is((await play('stuck-in-run')).error?.code, 'ERR_TIMEOUT')
})

test('a role that throws, a role that there is not, and a module that there is not are the outcome\'s error', async t => {
  t.deepEqual((await play('failing')).error, { code: 'RangeError', message: 'out of range' })
  t.is((await play('nobody')).error?.code, 'ERR_INVALID_OPTION')
  t.is((await play('idle', { rolesModule: './missing.ts' })).error?.code, 'ERR_MODULE_NOT_FOUND')
})

test('one seed gives one trace, another seed another', async t => {
  const [first, again, other] = [await play('sampler'), await play('sampler'), await play('sampler', { seed: 'b' })]
  t.deepEqual(first, again)
  t.is(first.events.length, 10)
  t.not(first.traceHash, other.traceHash)
})

test('a run with an event log is the same run, and the log has each event and each record of it', async t => {
  const eventLog = join(await temporaryDirectory(t), 'events')
  const logged = await play('sampler', { eventLog })
  t.deepEqual(logged, await play('sampler'))
  const entries = [...readEventLog([await readFile(eventLog)])]
  t.deepEqual(entries.flatMap(entry => entry.kind === 'recorded' ? [JSON.parse(entry.text) as unknown] : []), logged.events)
  const timers = entries.flatMap(entry => entry.kind === 'event' && entry.name === 'timer of a' ? [entry.timeNs / 1e6] : [])
  t.deepEqual(timers, logged.events.map(({ timeMs }) => timeMs))
})

test('a run that is cut short says so and keeps its events', async t => {
  const { interrupted, events, error } = await play('sampler', { signal: AbortSignal.abort() })
  t.true(interrupted)
  t.deepEqual(events, [])
  t.is(error?.code, 'ERR_INTERRUPTED')
})
