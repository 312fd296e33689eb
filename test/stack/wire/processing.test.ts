import test from 'ava'
import { parseScenario } from '../../../src/wires/scenario.ts'
import type { ScenarioInput } from '../../../src/wires/scenario.ts'
import { SimWire } from '../../../src/wires/sim.ts'
import { StackWire } from '../../../src/wires/stack.ts'
import type { Wire } from '../../../src/wires/wire.ts'
import type { TimedEvent } from '../../fixtures/echo-roles.ts'

const RTT_MS = 100
const EVENT_MS = 3

const wires: readonly Wire[] = [new SimWire(), new StackWire()]

type Processing = ScenarioInput['hosts'][number]['processing']

/** What a dial, a new stream with its echo, and an echo take where the server computes so slowly. */
async function times (wire: Wire, processing: Processing): Promise<number[]> {
  const { events, error } = await wire.run({
    scenario: parseScenario({
      hosts: [{ name: 'client', role: 'client' }, { name: 'server', role: 'server', ...processing && { processing } }],
      paths: [{ from: 'client', to: 'server', forward: { delayMs: RTT_MS / 2 } }],
      limitMs: 10_000
    }),
    rolesModule: new URL('../../fixtures/echo-roles.ts', import.meta.url),
    parameters: { rounds: 1 },
    seed: 'processing'
  })
  if (error !== undefined) {
    throw new Error(error.message)
  }
  return (events as TimedEvent[]).map(({ tookMs }) => tookMs)
}

for (const wire of wires) {
  test(`on ${wire.name}, a host that computes for ${EVENT_MS} ms whatever it is told adds that to each of its turns`, async t => {
    t.deepEqual(await times(wire, undefined), [3 * RTT_MS, 2 * RTT_MS, RTT_MS])
    // It answers in a dial to multistream-select and to Noise, for a stream to its negotiation and to the echo.
    t.deepEqual(await times(wire, { perEventMs: EVENT_MS }), [3 * RTT_MS + 2 * EVENT_MS, 2 * RTT_MS + 2 * EVENT_MS, RTT_MS + EVENT_MS])
  })

  test(`on ${wire.name}, a host that takes a second for a megabyte adds a microsecond for each byte that it answers to`, async t => {
    const [dialMs, , echoMs] = await times(wire, { perMegabyteMs: 1_000 })
    // multistream-select 28 B, Noise's first message 34 B; a frame with 64 B is 94 B, and the window update for the echo before
    // it comes with it, 30 B: test/sim/session/recording.test.ts.
    t.is(round(dialMs), 3 * RTT_MS + 0.062)
    t.is(round(echoMs), RTT_MS + 0.094 + 0.030)
  })
}

function round (ms: number): number {
  return Math.round(ms * 1e6) / 1e6
}
