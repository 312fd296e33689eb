import { simulatedNetwork } from '../../../src/libp2p/index.ts'
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import test from 'ava'
import { environment } from '../../../src/libp2p/environment.ts'

const { kernel } = environment
const HOSTS = [{ name: 'a' }, { name: 'b' }]
const BETWEEN = { from: 'a', to: 'b' }
const PATHS = [{ ...BETWEEN, forward: { delayMs: 10, rateBitsPerSecond: 1e7 } }]

interface Outcome {
  readonly code: number | string | null | undefined
  readonly stdout: string
  readonly stderr: string
}

/** What becomes of a process of its own. */
async function runScript (script: string, variables: NodeJS.ProcessEnv = {}): Promise<Outcome> {
  const index = new URL('../../../src/libp2p/index.ts', import.meta.url).href
  return await new Promise(resolve => {
    execFile(process.execPath, ['--input-type', 'module', '--eval', `import { simulatedNetwork, simulatedTcp } from ${JSON.stringify(index)}\n${script}`], {
      cwd: fileURLToPath(new URL('../../..', import.meta.url)), env: { ...process.env, ...variables }, timeout: 30e3
    }, (error, stdout, stderr) => resolve({ code: error === null ? 0 : error.code, stdout: stdout.trim(), stderr }))
  })
}

test('a host is the same one each time that it is asked for, so that its ports are taken once', t => {
  const network = simulatedNetwork({ hosts: HOSTS, paths: PATHS })
  t.is(network.host('a'), network.host('a'))
  network.host('a').listen({ ip: '0.0.0.0', port: 4001 }, () => {})
  t.throws(() => network.host('a').listen({ ip: '0.0.0.0', port: 4001 }, () => {}), { code: 'ERR_PORT_IN_USE' })
  t.throws(() => network.host('c'), { code: 'ERR_UNKNOWN_HOST' })
})

test.serial('two networks of one description have chances of their own', async t => {
  const input = { hosts: HOSTS, paths: PATHS, crossTraffic: [{ kind: 'poisson' as const, ...BETWEEN, rateBitsPerSecond: 1e6, durationMs: 60e3 }] }
  const meters = [simulatedNetwork(input), simulatedNetwork(input)].map(network => network.meter())
  await new Promise(resolve => setTimeout(resolve, 61e3))
  t.true(meters.every(({ sentPackets }) => sentPackets > 1000))
  t.not(meters[0].sentPackets, meters[1].sentPackets)
})

test.serial('nothing of a network that is stopped is left to come, whatever its traffic, faults and connections', async t => {
  const before = kernel.pending
  {
    using network = simulatedNetwork({
      hosts: HOSTS,
      paths: PATHS,
      crossTraffic: [
        { kind: 'poisson', ...BETWEEN, rateBitsPerSecond: 1e6 },
        { kind: 'on-off', ...BETWEEN, rateBitsPerSecond: 1e6, meanOnMs: 100, meanOffMs: 100, atMs: 3600e3 },
        { kind: 'bulk-tcp', ...BETWEEN, flows: 2, durationMs: 3600e3 },
        { kind: 'tcp-transfers', ...BETWEEN, arrivalsPerSecond: 10, meanBytes: 1e5 }
      ],
      faults: [
        { kind: 'rate', ...BETWEEN, atMs: 3600e3, rateBitsPerSecond: 1e6 },
        { kind: 'black-hole', ...BETWEEN, atMs: 100, durationMs: 3600e3, scope: 'all' }
      ]
    })
    network.host('b').listen({ ip: '0.0.0.0', port: 4001 }, () => {})
    const socket = network.host('a').connect({ ip: '10.0.1.1', port: 4001 })
    socket.write(new Uint8Array(1e6))
    await new Promise(resolve => setTimeout(resolve, 1000))
    t.true(kernel.pending > before + 5)
  }
  // What is on its way arrives.
  await new Promise(resolve => setTimeout(resolve, 10e3))
  t.is(kernel.pending, before)
})

test('a process with endless cross traffic ends when the network is stopped', async t => {
  const { code, stdout } = await runScript(`
    const network = simulatedNetwork({ hosts: ${JSON.stringify(HOSTS)}, paths: ${JSON.stringify(PATHS)}, crossTraffic: [{ kind: 'bulk-tcp', from: 'a', to: 'b' }] })
    await new Promise(resolve => setTimeout(resolve, 1000))
    network.stop()
    console.log(performance.now())`)
  t.is(code, 0)
  t.is(stdout, '1000')
})

const FOREVER = `
  const network = simulatedNetwork({ hosts: ${JSON.stringify(HOSTS)}, paths: ${JSON.stringify(PATHS)} })
  network.host('b').listen({ ip: '0.0.0.0', port: 4001 }, ({ socket }) => {})
  network.host('a').connect({ ip: '10.0.1.1', port: 4001 }).events = { onConnect () {} }
  setInterval(() => {}, 1000)
  await new Promise(() => {})`

test('what waits for ever is ended by TWINWIRE_LIMIT, with word of what was left', async t => {
  const { code, stderr } = await runScript(FOREVER, { TWINWIRE_LIMIT: '1h' })
  t.is(code, 1)
  t.regex(stderr, /something still waits after 1h of virtual time, with 1 timers, 1 connections and 1 listeners left/)
  t.true(stderr.includes("code: 'ERR_TIMEOUT'"))
})

test('a limit keeps no process waiting, and one that cannot be read is an error', async t => {
  const { code, stdout } = await runScript('setTimeout(() => console.log(performance.now()), 5)', { TWINWIRE_LIMIT: '1h' })
  t.is(code, 0)
  t.is(stdout, '5')
  for (const [limit, error] of [['an hour', 'ERR_INVALID_UNIT'], ['1000h', 'ERR_INVALID_OPTION'], ['0s', 'ERR_INVALID_OPTION']]) {
    const { code, stderr } = await runScript('', { TWINWIRE_LIMIT: limit })
    t.is(code, 1)
    t.true(stderr.includes(error), stderr)
  }
})
