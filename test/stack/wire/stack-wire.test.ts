import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import test from 'ava'
import { parseScenario } from '../../../src/wires/scenario.ts'
import { StackWire } from '../../../src/wires/stack.ts'
import type { RunOutcome, RunRequest } from '../../../src/wires/wire.ts'

interface PlayOptions {
  readonly connectionMonitor?: boolean
  readonly rolesModule?: string
  readonly signal?: AbortSignal
  readonly wire?: StackWire
}

async function play (role: string, { connectionMonitor = true, rolesModule = '../../fixtures/stack-roles.ts', signal, wire = new StackWire() }: PlayOptions = {}): Promise<RunOutcome> {
  const libp2p = { connectionMonitor }
  const request: RunRequest = {
    scenario: parseScenario({
      hosts: [{ name: 'a', role, libp2p }, { name: 'b', role: 'idle', libp2p }],
      paths: [{ from: 'a', to: 'b', forward: { delayMs: 10 } }],
      limitMs: 5_000
    }),
    rolesModule: new URL(rolesModule, import.meta.url), parameters: {}, seed: 'stack-wire', ...signal && { signal }
  }
  return await wire.run(request)
}

test('a run that is not over at its limit says who is waited for', async t => {
  const { error } = await play('waits-for-ever')
  t.is(error?.code, 'ERR_TIMEOUT')
  t.regex(error?.message ?? '', /not over after 5000 ms.*still waiting: role of a$/)
  t.regex((await play('set-up-for-ever')).error?.message ?? '', /still waiting: set-up of a$/)
})

test('where nothing is left that could happen, the deadlock says at once who is waited for', async t => {
  const { error } = await play('waits-for-ever', { connectionMonitor: false })
  t.is(error?.code, 'ERR_DEADLOCK')
  t.regex(error?.message ?? '', /nothing is left that could happen at \d+ ms.*still waiting: role of a$/)
})

test('what a role throws, and what it throws where nobody catches it, is the outcome\'s error', async t => {
  t.deepEqual((await play('failing')).error, { code: 'ERR_ABORTED', message: 'as asked' })
  t.deepEqual((await play('throwing-timer')).error, { code: 'RangeError', message: 'out of a timer' })
  t.deepEqual((await play('unhandled-rejection')).error, { code: 'RangeError', message: 'nobody caught it' })
  t.is((await play('nobody')).error?.code, 'ERR_INVALID_OPTION')
  t.is((await play('idle', { rolesModule: './missing.ts' })).error?.code, 'ERR_MODULE_NOT_FOUND')
})

test('a role that ends its process ends its thread, and the run with an error', async t => {
  const { error } = await play('exiting')
  t.is(error?.code, 'ERR_HOST_DIED')
})

test('a run that is cut short gives what was recorded until then', async t => {
  const controller = new AbortController()
  const running = play('busy-for-ever', { signal: controller.signal })
  setTimeout(() => controller.abort(), 3_000)
  const { interrupted, events } = await running
  t.true(interrupted)
  t.deepEqual(events, [])
  t.true((await play('recording', { signal: AbortSignal.abort() })).interrupted)
})

test('a run that never lets go of its thread ends all the same, a while after it is cut short', async t => {
  const controller = new AbortController()
  const running = play('holds-its-thread', { signal: controller.signal })
  setTimeout(() => controller.abort(), 1_000)
  t.true((await running).interrupted)
})

test('a wire that is stopped ends the runs under way', async t => {
  const wire = new StackWire()
  const running = play('busy-for-ever', { wire })
  await new Promise(resolve => setTimeout(resolve, 1_000))
  await wire.stop()
  t.is((await running).error?.code, 'ERR_HOST_DIED')
})

test('what a role prints does not stand among results', async t => {
  const script = `
    import { parseScenario } from './src/wires/scenario.ts'
    import { StackWire } from './src/wires/stack.ts'
    await new StackWire().run({ scenario: parseScenario({ hosts: [{ name: 'a', role: 'talking' }], paths: [], limitMs: 1000 }), rolesModule: new URL('./test/fixtures/stack-roles.ts', 'file://' + process.cwd() + '/'), parameters: {}, seed: '1' })
    console.log('done')`
  const { stdout, stderr } = await promisify(execFile)(process.execPath, ['--input-type', 'module', '--eval', script], { cwd: fileURLToPath(new URL('../../..', import.meta.url)) })
  t.is(stdout, 'done\n')
  t.regex(stderr, /hello from a role/)
})

test('a run that is looked on at is the same run, and its course has the connection that libp2p opened', async t => {
  const [watched, alone] = await Promise.all([true, false].map(async course => await new StackWire().run({
    scenario: parseScenario({ hosts: [{ name: 'client', role: 'client' }, { name: 'server', role: 'server' }], paths: [{ from: 'client', to: 'server', forward: { delayMs: 10 } }], limitMs: 5_000 }),
    rolesModule: new URL('../../fixtures/echo-roles.ts', import.meta.url), parameters: { rounds: 2 }, seed: 'stack-wire', course
  })))
  t.is(watched.traceHash, alone.traceHash)
  t.is(watched.course?.connections, 2)
  t.is(watched.course?.marks[0].text, 'opened connection 1 to server')
  t.false('course' in alone)
})
