import test from 'ava'
import { TwinwireError } from '../../../src/core/errors.ts'
import { parseScenario } from '../../../src/wires/scenario.ts'
import type { ScenarioInput } from '../../../src/wires/scenario.ts'
import { checkLinks } from '../../../src/wires/tcp/namespaces/check-links.ts'

const hosts = ['a', 'b', 'c', 'd'].map(name => ({ name, role: 'idle' }))
const access = { forward: { delayMs: 1 } }
const dumbbell = (rateBitsPerSecond: number): Partial<ScenarioInput> => ({ topology: { kind: 'dumbbell', pairs: 2, access, bottleneck: { forward: { delayMs: 1, rateBitsPerSecond } } } })
/** Opportunities of 1500 B, so many a millisecond: 12 Mbit/s each. */
const traced = (each: number): Partial<ScenarioInput> => ({ paths: [{ from: 'a', to: 'b', forward: { delayMs: 1, trace: { opportunitiesMs: Array.from({ length: each }, () => 1) } } }] })

const refused = test.macro((t, scenario: Partial<ScenarioInput>, code: string, path: string) => {
  const error = t.throws(() => checkLinks(parseScenario({ hosts, limitMs: 1_000, ...scenario })), { instanceOf: TwinwireError })
  t.like(error, { code, path })
  t.truthy(error.expected)
  t.truthy(error.found)
})

test('a topology whose link is faster than a host\'s card is refused', refused, dumbbell(101e6), 'ERR_UNSUPPORTED', 'scenario.topology')
test('a trace that is faster in the mean is refused', refused, traced(9), 'ERR_UNSUPPORTED', 'scenario.paths')
test('a fault on a link that the topology has not is refused before anything is started', refused, { ...dumbbell(1e6), faults: [{ kind: 'down', from: 'a', to: 'b', atMs: 1 }] }, 'ERR_INVALID_OPTION', 'scenario.faults[0]')

test('as fast as a card, or without a rate, they are not', t => {
  for (const scenario of [dumbbell(100e6), traced(8), { topology: { kind: 'star' as const, access } }]) {
    t.notThrows(() => checkLinks(parseScenario({ hosts, limitMs: 1_000, ...scenario })))
  }
})
