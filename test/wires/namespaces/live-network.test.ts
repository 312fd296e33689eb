import { setTimeout as sleep } from 'node:timers/promises'
import test from 'ava'
import type { ExecutionContext } from 'ava'
import { parseScenario } from '../../../src/wires/scenario.ts'
import type { PathDirectionInput, ScenarioInput } from '../../../src/wires/scenario.ts'
import { monotonicNowMs } from '../../../src/wires/tcp/monotonic.ts'
import { AHEAD_MS, LiveNetwork } from '../../../src/wires/tcp/namespaces/live-network.ts'
import { segment } from './segments.ts'

interface Arrival {
  readonly host: number
  readonly atMs: number
  readonly first: number
  readonly ipBytes: number
}

/** Of a path between two hosts or of what is given; what arrives is noted, in place of tunnels. */
async function live (t: ExecutionContext, forward: Partial<PathDirectionInput>, more: Partial<ScenarioInput> = {}): Promise<{
  readonly send: (datagram: Uint8Array, host?: number) => void, readonly arrivals: readonly Arrival[], readonly network: LiveNetwork
}> {
  const hosts = ['a', 'b'].map(name => ({ name, role: 'idle' }))
  const scenario = parseScenario({ hosts, paths: [{ from: 'a', to: 'b', forward: { delayMs: 0, ...forward } }], limitMs: 10_000, ...more })
  const network = new LiveNetwork({ scenario, seed: 'live' })
  t.teardown(async () => { await network.stop() })
  const arrivals: Arrival[] = []
  const tunnels = scenario.hosts.map((_, host) => ({
    onPacket: undefined as ((datagram: Uint8Array) => void) | undefined,
    send: (datagram: Uint8Array) => { arrivals.push({ host, atMs: monotonicNowMs(), first: datagram[62] ?? 0, ipBytes: datagram.byteLength - 22 }) }
  }))
  await network.open(tunnels)
  return { send: (datagram, host = 0) => tunnels[host].onPacket?.(datagram), arrivals, network }
}

async function until (condition: () => boolean): Promise<void> {
  while (!condition()) {
    await sleep(2)
  }
}

test('a packet arrives at its host, not before the path\'s delay is over but for what it takes to hand it over', async t => {
  const { send, arrivals } = await live(t, { delayMs: 30 })
  const sentMs = monotonicNowMs()
  send(segment({ from: 0, to: 1 }, 16, 100, 7))
  await until(() => arrivals.length === 1)
  t.like(arrivals[0], { host: 1, first: 7, ipBytes: 100 })
  t.true(arrivals[0].atMs - sentMs >= 30 - AHEAD_MS)
})

test('packets leave a line one after the other, at its rate', async t => {
  const { send, arrivals } = await live(t, { rateBitsPerSecond: 1e6 })
  const sentMs = monotonicNowMs()
  for (let i = 1; i <= 5; i++) {
    send(segment({ from: 0, to: 1 }, 16, 1_250, i))
  }
  await until(() => arrivals.length === 5)
  t.deepEqual(arrivals.map(({ first }) => first), [1, 2, 3, 4, 5])
  // 1,250 B at 1 Mbit/s are 10 ms.
  arrivals.forEach(({ atMs }, index) => t.true(atMs - sentMs >= 10 * (index + 1) - AHEAD_MS, `${index}: ${atMs - sentMs}`))
})

test('what a full queue has no room for is lost, and what is in service and in it is not', async t => {
  // A packet takes 50 ms, in which all others have been sent.
  const { send, arrivals } = await live(t, { rateBitsPerSecond: 2e5, queue: { limitPackets: 2 } })
  for (let i = 1; i <= 6; i++) {
    send(segment({ from: 0, to: 1 }, 16, 1_250, i))
  }
  await until(() => arrivals.length === 3)
  await sleep(60)
  t.deepEqual(arrivals.map(({ first }) => first), [1, 2, 3])
})

test('a copy that a link makes arrives with the same content', async t => {
  const { send, arrivals } = await live(t, { duplication: 1 })
  send(segment({ from: 0, to: 1 }, 16, 100, 9))
  await until(() => arrivals.length === 2)
  t.deepEqual(arrivals.map(({ host, first }) => [host, first]), [[1, 9], [1, 9]])
})

test('addresses that are dead, hidden or of nobody, hosts that no path joins, and what is no segment are silent', async t => {
  const hosts = [
    { name: 'a', role: 'idle' }, { name: 'b', role: 'idle', addresses: [{ state: 'black-hole' as const }, { reachableFrom: ['c'] }, {}] }, { name: 'c', role: 'idle' }
  ]
  const { send, arrivals } = await live(t, {}, { hosts })
  for (const datagram of [segment({ from: 0, to: 1, position: 0 }), segment({ from: 0, to: 1, position: 1 }), segment({ from: 0, to: 2 }), segment({ from: 0, to: 900 }), segment({ from: 2, to: 1 }), new Uint8Array(70)]) {
    send(datagram)
  }
  send(segment({ from: 0, to: 1, position: 2 }, 16, 100, 5))
  await sleep(30)
  t.deepEqual(arrivals.map(({ host, first }) => [host, first]), [[1, 5]])
})

test('packets of a topology cross its shared link, and cross traffic takes its share of it', async t => {
  const access = { forward: { delayMs: 0 } }
  const bottleneck = { forward: { delayMs: 0, rateBitsPerSecond: 1e6 } }
  const { send, arrivals, network } = await live(t, {}, {
    hosts: ['a', 'b', 'c', 'd'].map(name => ({ name, role: 'idle' })), paths: [], topology: { kind: 'dumbbell', pairs: 2, access, bottleneck },
    crossTraffic: [{ kind: 'poisson', from: 'c', to: 'd', rateBitsPerSecond: 10e6 }]
  })
  network.begin(monotonicNowMs(), () => {})
  // Ten times what the link carries: the queue has 100 ms and more of it by then.
  await sleep(20)
  const sentMs = monotonicNowMs()
  send(segment({ from: 0, to: 1 }, 16, 100, 3))
  await until(() => arrivals.length === 1)
  t.like(arrivals[0], { host: 1, first: 3 })
  t.true(arrivals[0].atMs - sentMs > 20)
})

test('faults come when the scenario says, on the clock that all processes share: a cut loses what is inside, and a reset is asked for', async t => {
  const { send, arrivals, network } = await live(t, { delayMs: 50 }, {
    faults: [{ kind: 'down', from: 'a', to: 'b', atMs: 20, durationMs: 10 }, { kind: 'reset', from: 'b', to: 'a', atMs: 5 }]
  })
  const resets: Array<readonly [number, number]> = []
  network.begin(monotonicNowMs(), (from, to) => { resets.push([from, to]) })
  send(segment({ from: 0, to: 1 }, 16, 100, 1))
  await sleep(40)
  send(segment({ from: 0, to: 1 }, 16, 100, 2))
  await until(() => arrivals.length === 1)
  t.is(arrivals[0].first, 2)
  t.deepEqual(resets, [[1, 0]])
})

test('after stop nothing arrives', async t => {
  const { send, arrivals, network } = await live(t, { delayMs: 20 })
  send(segment({ from: 0, to: 1 }))
  await network.stop()
  send(segment({ from: 0, to: 1 }))
  await sleep(40)
  t.deepEqual(arrivals, [])
})
