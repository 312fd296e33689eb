import test from 'ava'
import { parseScenario } from '../../src/wires/scenario.ts'
import { SimWire } from '../../src/wires/sim.ts'
import type { RunOutcome } from '../../src/wires/wire.ts'

async function play (role: string, { seed = 'a', signal, rolesModule = '../fixtures/sim-roles.ts' }: { seed?: string, signal?: AbortSignal, rolesModule?: string } = {}): Promise<RunOutcome> {
  return await new SimWire().run({
    scenario: parseScenario({
      hosts: [{ name: 'a', role }, { name: 'b', role: 'idle' }],
      paths: [{ from: 'a', to: 'b', forward: { delayMs: 10, loss: { model: 'bernoulli', probability: 0.1 } } }],
      limitMs: 5_000
    }),
    rolesModule: new URL(rolesModule, import.meta.url),
    parameters: {},
    seed,
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

test('a run that is cut short says so and keeps its events', async t => {
  const { interrupted, events, error } = await play('sampler', { signal: AbortSignal.abort() })
  t.true(interrupted)
  t.deepEqual(events, [])
  t.is(error?.code, 'ERR_INTERRUPTED')
})
