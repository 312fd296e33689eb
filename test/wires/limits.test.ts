import test from 'ava'
import type { ScenarioInput } from '../../src/wires/scenario.ts'
import { CLIENT_AND_SERVER, play } from '../fixtures/scenario-tools.ts'

const hosts = [...CLIENT_AND_SERVER]

/** The error of a run, and the processor time that it took in s. */
async function errorOf (scenario: Partial<ScenarioInput>): Promise<{ readonly code: string | undefined, readonly tookS: number }> {
  const before = process.cpuUsage()
  const { error } = await play({ hosts, limitMs: 100_000, ...scenario }, { rounds: 1000 })
  return { code: error?.code, tookS: process.cpuUsage(before).user / 1e6 }
}

const flood = { kind: 'poisson', from: 'client', to: 'server', rateBitsPerSecond: 1e12 } as const

test.serial('a queue without a limit that grows without end is an error, within seconds', async t => {
  const { code, tookS } = await errorOf({ paths: [{ from: 'client', to: 'server', forward: { delayMs: 10, rateBitsPerSecond: 10e6 } }], crossTraffic: [flood] })
  t.is(code, 'ERR_PACKET_LIMIT')
  t.true(tookS < 10, `${tookS} s`)
})

test.serial('so is a delay of an hour that fills with packets', async t => {
  const { code } = await errorOf({ paths: [{ from: 'client', to: 'server', forward: { delayMs: 3600e3, duplication: 1 } }], crossTraffic: [flood] })
  t.is(code, 'ERR_PACKET_LIMIT')
})

test.serial('a hundred thousand faults at once take no longer than one after the other', async t => {
  for (const kind of ['stall', 'black-hole'] as const) {
    const { tookS } = await errorOf({
      paths: [{ from: 'client', to: 'server', forward: { delayMs: 1 } }],
      faults: Array.from({ length: 100_000 }, (_, index) => ({ kind, scope: 'all', from: 'client', to: 'server', atMs: index / 10, durationMs: 10_000 })).map(({ scope, ...fault }) => {
        return fault.kind === 'stall' ? { ...fault, kind: 'stall' } : { ...fault, kind: 'black-hole', scope: scope as 'all' }
      })
    })
    // 10 us each is slow; a look at all others that are active, at 1 ns each, would take 10 s.
    t.true(tookS < 4, `${kind}: ${tookS} s`)
  }
})
