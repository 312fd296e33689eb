import test from 'ava'
import { randomStream } from '../../src/core/random.ts'
import type { RandomStream } from '../../src/core/random.ts'
import type { RecordedEvent } from '../../src/core/recorder.ts'
import { parseScenario } from '../../src/wires/scenario.ts'
import type { PathDirectionInput, PathInput, Scenario } from '../../src/wires/scenario.ts'
import { SimWire } from '../../src/wires/sim.ts'
import { StackWire } from '../../src/wires/stack.ts'
import type { RunRequest } from '../../src/wires/wire.ts'
import type { Note } from '../fixtures/differential-roles.ts'

// The same peers over the same links, once modelled and once real: everything that is done or befalls a host has the same
// outcome, at the same time. More of them: raise these numbers. Each scenario is drawn from its own number.

const FREE_SCENARIOS = 8
const CONGESTED_SCENARIOS = 5
const MAXIMUM_PEERS = 6
/** Of the one large scenario. */
const MANY_PEERS = 20
const MICROSECOND_MS = 0.001

const ROLES = new URL('../fixtures/differential-roles.ts', import.meta.url)
const sim = new SimWire()
const stack = new StackWire()

test.after.always(async () => { await stack.stop() })

for (let i = 0; i < FREE_SCENARIOS; i++) {
  const random = randomStream(`free ${i}`)
  const peers = 2 + random.integer(MAXIMUM_PEERS - 1)
  test.serial(`where nothing is congested, modelled and real peers do everything within a microsecond of each other: ${peers} peers of scenario ${i}`, async t => {
    const pairs = await compare(requestOf(`free ${i}`, peers, random, () => ({})))
    t.true(pairs.length >= peers * 10)
    t.deepEqual(pairs.filter(pair => differs(pair, () => MICROSECOND_MS)), [])
  })
}

test.serial(`where nothing is congested, ${MANY_PEERS} modelled and real peers do everything within a microsecond of each other`, async t => {
  const pairs = await compare(requestOf('many', MANY_PEERS, randomStream('many'), () => ({})))
  t.true(pairs.length >= MANY_PEERS * 10)
  t.deepEqual(pairs.filter(pair => differs(pair, () => MICROSECOND_MS)), [])
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
    t.deepEqual(pairs.filter(pair => differs(pair, timeMs => Math.max(MICROSECOND_MS, timeMs / 100))), [])
  })
}

test.serial('with the limits that libp2p has by itself, modelled and real peers meet the same ones at the same times', async t => {
  const names = Array.from({ length: 15 }, (_, i) => `client${i}`)
  const libp2p = { limits: 'default', maxConnections: 8, maxParallelDials: 2, maxDialQueueLength: 4, connectionMonitor: false, socketInactivityMs: 4_000 } as const
  const pairs = await compare({
    scenario: parseScenario({
      hosts: [{ name: 'server', role: 'crowded', libp2p }, ...names.map(name => ({ name, role: 'crowd', libp2p }))],
      paths: names.map((from, i) => ({ from, to: 'server', forward: { delayMs: 20 + i / 8 } })),
      limitMs: 100_000
    }),
    rolesModule: ROLES, parameters: {}, seed: 'limits'
  })
  const outcomes = new Set(pairs.map(({ real }) => real?.outcome))
  for (const name of ['ok', 'EncryptionFailedError', 'StreamResetError']) {
    t.true(outcomes.has(name), `nobody met ${name}: ${[...outcomes].join(', ')}`)
  }
  t.deepEqual(pairs.filter(pair => differs(pair, () => MICROSECOND_MS)), [])
})

interface Pair {
  readonly what: string
  readonly modelled: Note | undefined
  readonly real: Note | undefined
}

function differs ({ modelled, real }: Pair, toleranceMs: (timeMs: number) => number): boolean {
  return modelled === undefined || real === undefined ||
    Math.abs(modelled.timeMs - real.timeMs) > toleranceMs(real.timeMs) ||
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

function requestOf (seed: string, peers: number, random: RandomStream, direction: (random: RandomStream) => Partial<PathDirectionInput>): RunRequest {
  return { scenario: scenarioOf(peers, random, direction), rolesModule: ROLES, parameters: { sessions: 3, maximumBytes: 2_000_000 }, seed }
}

/** Each peer has a path of its own to each other one. */
function scenarioOf (peers: number, random: RandomStream, direction: (random: RandomStream) => Partial<PathDirectionInput>): Scenario {
  const names = Array.from({ length: peers }, (_, i) => `peer${i}`)
  const libp2p = { identify: random.integer(2) === 0 }
  const paths = names.flatMap((to, i) => names.slice(0, i).map((from): PathInput => ({ from, to, forward: { delayMs: random.uniform(0.5, 80), ...direction(random) } })))
  return parseScenario({ hosts: names.map(name => ({ name, role: 'peer', libp2p })), paths, limitMs: 600_000 })
}
