import test from 'ava'
import { randomStream } from '../../../src/core/random.ts'
import type { RandomStream } from '../../../src/core/random.ts'
import type { RecordedEvent } from '../../../src/core/recorder.ts'
import type { PacketNetwork } from '../../../src/sim/network.ts'
import { parseScenario } from '../../../src/wires/scenario.ts'
import type { Fault, PathDirectionInput, PathInput, Scenario } from '../../../src/wires/scenario.ts'
import { SimWire } from '../../../src/wires/sim.ts'
import { StackWire } from '../../../src/wires/stack.ts'
import type { RunRequest } from '../../../src/wires/wire.ts'
import type { Note } from '../../fixtures/differential-roles.ts'

// The same peers over the same links, once modelled and once real: everything that is done or befalls a host has the same
// outcome, at the same time. More of them: raise these numbers. Each scenario is drawn from its own number.

const FREE_SCENARIOS = 8
const CONGESTED_SCENARIOS = 5
const MAXIMUM_PEERS = 6
/** Of the one large scenario. */
const MANY_PEERS = 20
const DISTURBED_SCENARIOS = 4
/** For what others began. */
const STAY_MS = 3_000
/** So long that connection monitors and keep-alives (10 and 30 s) meet what is left. */
const STAY_LONG_MS = 45_000
const MICROSECOND_MS = 0.001
/** A round trip in the mean: delays are drawn from 0.5 to 80 ms each way. */
const MEAN_ROUND_TRIP_MS = 80

const ROLES = new URL('../../fixtures/differential-roles.ts', import.meta.url)
let network: PacketNetwork | undefined
const sim = new SimWire({ onNetwork: made => { network = made } })
const stack = new StackWire()

test.after.always(async () => { await stack.stop() })

for (let i = 0; i < FREE_SCENARIOS; i++) {
  const random = randomStream(`free ${i}`)
  const peers = 2 + random.integer(MAXIMUM_PEERS - 1)
  test.serial(`where nothing is congested, modelled and real peers do everything within a microsecond of each other: ${peers} peers of scenario ${i}`, async t => {
    const pairs = await compare(requestOf(`free ${i}`, peers, random, () => ({})))
    t.true(pairs.length >= peers * 10)
    t.deepEqual(pairs.filter(pair => differs(pair, withinAMicrosecond)), [])
  })
}

test.serial(`where nothing is congested, ${MANY_PEERS} modelled and real peers do everything within a microsecond of each other`, async t => {
  const pairs = await compare(requestOf('many', MANY_PEERS, randomStream('many'), () => ({})))
  t.true(pairs.length >= MANY_PEERS * 10)
  t.deepEqual(pairs.filter(pair => differs(pair, withinAMicrosecond)), [])
})

for (let i = 0; i < CONGESTED_SCENARIOS; i++) {
  const random = randomStream(`congested ${i}`)
  const peers = 2 + random.integer(MAXIMUM_PEERS - 1)
  test.serial(`where queues overflow, modelled and real peers are within 1% of each other in all they do: ${peers} peers of scenario ${i}`, async t => {
    const pairs = await compare(requestOf(`congested ${i}`, peers, random, random => ({
      rateBitsPerSecond: 10 ** random.uniform(6.5, 8.5),
      queue: { limitBytes: 1_500 + random.integer(300_000) }
    })))
    t.true(pairs.length >= peers * 10)
    t.true((network?.counters.droppedQueue ?? 0) > 0, 'no queue overflowed')
    t.deepEqual(pairs.filter(pair => differs(pair, withinAHundredth)), [])
  })
}

for (let i = 0; i < DISTURBED_SCENARIOS; i++) {
  const random = randomStream(`disturbed ${i}`)
  const peers = 2 + random.integer(MAXIMUM_PEERS - 1)
  test.serial(`with losses, jitter, faults and dead addresses, modelled and real peers meet the same ends within a microsecond: ${peers} peers of scenario ${i}`, async t => {
    const request = requestOf(`disturbed ${i}`, peers, random, random => ({
      loss: { model: 'bernoulli', probability: random.uniform(0, 0.01) }, jitter: { distribution: 'uniform', boundMs: random.uniform(0.1, 3) }
    }), STAY_LONG_MS)
    const pairs = await compare({ ...request, scenario: disturbed(request.scenario, random) })
    t.deepEqual(pairs.filter(pair => differs(pair, withinAMicrosecond)), [])
  })
}

test.serial('with the limits that libp2p has by itself, modelled and real peers meet the same ones at the same times', async t => {
  const names = Array.from({ length: 15 }, (_, i) => `client${i}`)
  const libp2p = { limits: 'default', maxConnections: 8, maxParallelDials: 2, maxDialQueueLength: 4, connectionMonitor: false, socketInactivityMs: 4_000 } as const
  // Ten small segments fill Linux's first window, and streams beyond it come too late to be too many with the handshake's end.
  const tcp = { initialWindowSegments: 100 }
  const pairs = await compare({
    scenario: parseScenario({
      hosts: [{ name: 'server', role: 'crowded', libp2p, tcp }, ...names.map(name => ({ name, role: 'crowd', libp2p, tcp }))],
      paths: names.map((from, i) => ({ from, to: 'server', forward: { delayMs: 20 + i / 8 } })),
      limitMs: 100_000
    }),
    rolesModule: ROLES, parameters: {}, seed: 'limits'
  })
  const outcomes = new Set(pairs.map(({ real }) => real?.outcome))
  for (const name of ['ok', 'EncryptionFailedError', 'StreamResetError']) {
    t.true(outcomes.has(name), `nobody met ${name}: ${[...outcomes].join(', ')}`)
  }
  t.deepEqual(pairs.filter(pair => differs(pair, withinAMicrosecond)), [])
})

test.serial('with a monitor and a limit to dials that are not libp2p\'s defaults, modelled and real peers give up at the same times', async t => {
  const random = randomStream('impatient')
  const request = requestOf('impatient', 4, random, () => ({}), STAY_LONG_MS)
  const scenario = disturbed(request.scenario, random)
  const impatient = parseScenario({ ...scenario, hosts: scenario.hosts.map(host => ({ ...host, libp2p: { pingIntervalMs: 3_000, pingTimeoutMs: 1_000, addressDialTimeoutMs: 1_500 } })) })
  const [patient, pairs] = [await compare({ ...request, scenario }), await compare({ ...request, scenario: impatient })]
  t.deepEqual(pairs.filter(pair => differs(pair, withinAMicrosecond)), [])
  t.notDeepEqual(pairs.map(({ real }) => real?.timeMs), patient.map(({ real }) => real?.timeMs))
})

interface Pair {
  readonly what: string
  readonly modelled: Note | undefined
  readonly real: Note | undefined
}

type Tolerance = (note: Note) => number

const withinAMicrosecond: Tolerance = () => MICROSECOND_MS

/** Of what it took, for what was done; of a round trip, for what befell a host. */
const withinAHundredth: Tolerance = ({ tookMs = MEAN_ROUND_TRIP_MS }) => Math.max(MICROSECOND_MS, tookMs / 100)

function differs ({ modelled, real }: Pair, toleranceMs: Tolerance): boolean {
  return modelled === undefined || real === undefined ||
    Math.abs(modelled.timeMs - real.timeMs) > toleranceMs(real) ||
    (modelled.outcome !== real.outcome && !sameFailure(modelled, real))
}

/** What libp2p waits for with p-event is rejected with the event that came instead, where the model has an error. */
function sameFailure (modelled: Note, real: Note): boolean {
  return real.outcome === 'an event' && modelled.outcome !== 'ok'
}

async function compare (request: RunRequest): Promise<Pair[]> {
  const [modelled, real] = (await Promise.all([sim.run(request), stack.run(request)])).map(({ events, error }) => {
    if (error !== undefined) {
      throw new Error(`${error.code}: ${error.message}`)
    }
    return byWhat(events)
  })
  return [...new Set([...modelled.keys(), ...real.keys()])].map(what => ({ what, modelled: modelled.get(what), real: real.get(what) }))
}

/** What happens to a host more than once is numbered. */
function byWhat (events: readonly RecordedEvent[]): Map<string, Note> {
  const notes = new Map<string, Note>()
  for (const note of events as Note[]) {
    let what = `${note.host}, ${note.label}`
    for (let i = 2; notes.has(what); i++) {
      what = `${note.host}, ${note.label}, ${i}`
    }
    notes.set(what, note)
  }
  return notes
}

function requestOf (seed: string, peers: number, random: RandomStream, direction: (random: RandomStream) => Partial<PathDirectionInput>, stayMs = STAY_MS): RunRequest {
  return { scenario: scenarioOf(peers, random, direction), rolesModule: ROLES, parameters: { sessions: 3, maximumBytes: 2_000_000, stayMs }, seed }
}

/** Each path has one fault, within the time of the sessions; each host may have a dead address before its good one. */
function disturbed (scenario: Scenario, random: RandomStream): Scenario {
  const faults = scenario.paths.map(({ from, to }): Fault => {
    const atMs = random.uniform(0, 3_000)
    switch (random.integer(4)) {
      case 0:
        return { kind: 'reset', from, to, atMs }
      case 1:
        return { kind: 'stall', from, to, atMs, durationMs: random.uniform(10, 2_000) }
      case 2:
        return { kind: 'black-hole', from, to, atMs, scope: 'existing' }
      default:
        return { kind: 'down', from, to, atMs, durationMs: random.uniform(10, 1_000) }
    }
  })
  const dead = ['refused', 'black-hole'] as const
  const hosts = scenario.hosts.map(host => ({ ...host, addresses: random.integer(3) === 0 ? [{ state: dead[random.integer(2)] }, ...host.addresses] : host.addresses }))
  return { ...scenario, hosts, faults }
}

/** Each peer has a path of its own to each other one. */
function scenarioOf (peers: number, random: RandomStream, direction: (random: RandomStream) => Partial<PathDirectionInput>): Scenario {
  const names = Array.from({ length: peers }, (_, i) => `peer${i}`)
  const libp2p = { identify: random.integer(2) === 0 }
  const paths = names.flatMap((to, i) => names.slice(0, i).map((from): PathInput => ({ from, to, forward: { delayMs: random.uniform(0.5, 80), ...direction(random) } })))
  return parseScenario({ hosts: names.map(name => ({ name, role: 'peer', libp2p })), paths, limitMs: 600_000 })
}
