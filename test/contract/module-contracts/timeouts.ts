import assert from 'node:assert/strict'
import { sleep } from '../../../src/core/clock.ts'
import { RTT_MS, rolesOf } from '../contract.ts'
import { bytesOf, codeOf, eventsOf, reportOf, slackMs, sleepUntil, textOf, timed, until, withNetwork } from './rig.ts'
import { CALLS, ECHO, LATE, plainServer } from './servers.ts'
import type { AdaptiveTimeouts, AdaptiveTimeoutsOptions, ConnectionPoolOptions, OptimizedNetworkOptions } from '../../../src/optim/index.ts'
import type { ScenarioInput } from '../../../src/wires/scenario.ts'
import type { Contracts } from '../contract.ts'
import type { Rig } from './rig.ts'
import type { Calls } from './servers.ts'

const server = plainServer()
/** A pool beside it, or each request would open a stream and be timed for that, too. */
const options = (adaptiveTimeouts: AdaptiveTimeoutsOptions = {}, connectionPool: ConnectionPoolOptions = {}): OptimizedNetworkOptions => ({ connectionPool, adaptiveTimeouts })
/** So that requests do not wait for streams. */
const MANY_AT_ONCE: ConnectionPoolOptions = { streamsPerConnection: 200, streamsPerProtocol: 200, idleStreamsPerProtocol: 200 }
/** The round trip of a path where ten times as long is still short. */
const NEAR_RTT_MS = 10
/** When a fault begins: what was asked before is answered by then. */
const FAULT_MS = 1_300
const stalledAt = (atMs: number): NonNullable<ScenarioInput['faults']> => [{ kind: 'stall', from: 'client', to: 'server', atMs, durationMs: 600 }]
const silent: Pick<ScenarioInput, 'faults'> = { faults: [{ kind: 'black-hole', from: 'client', to: 'server', atMs: 600, scope: 'all' }] }

export const contracts: Contracts = {
  'timeouts-caller': {
    claim: 'timeouts: what a caller aborts changes no estimate, neither late nor soon',
    roles: {
      server,
      client: {
        run: async host => await withNetwork(host, options(), async rig => {
          const { network, server } = rig
          const timeouts = timeoutsOf(rig)
          for (let i = 0; i < 5; i++) {
            await network.request(server, LATE, bytesOf('1'))
          }
          const before = timeouts.conditions(server, LATE)
          for (const afterMs of [0, RTT_MS / 2, 3 * RTT_MS]) {
            const caller = new AbortController()
            const asked = Array.from({ length: 10 }, async () => await codeOf(network.request(server, LATE, bytesOf('10000'), { signal: caller.signal })))
            await sleep(host.clock, afterMs)
            caller.abort(new TypeError('enough'))
            assert.deepEqual(await Promise.all(asked), Array.from({ length: 10 }, () => 'TypeError'))
            const { srttMs, rttVarMs } = timeouts.conditions(server, LATE)
            assert.deepEqual({ srttMs, rttVarMs }, { srttMs: before.srttMs, rttVarMs: before.rttVarMs })
          }
          await until(host, () => timeouts.metrics.running === 0, 'nothing runs')
        })
      }
    }
  },
  'timeouts-constant': {
    claim: 'timeouts: of answers that all take alike none is overdue, and the wait comes near the round trip',
    roles: {
      server,
      client: {
        run: async (host, parameters) => await withNetwork(host, options({ hedging: false, granularityMs: parameters.realTime === true ? 200 : 10 }), async rig => {
          for (let i = 0; i < 25; i++) {
            await rig.network.request(rig.server, ECHO, bytesOf(String(i)), { idempotent: true })
          }
          assert.equal(eventsOf(rig.events, 'timeouts:attempt-overdue').length, 0)
          assert.equal(rig.network.metrics.timeouts?.attempts, 25)
          const last = eventsOf(rig.events, 'timeouts:attempt-answered').at(-1)
          if (parameters.realTime !== true) {
            // SRTT + max(G, 4 RTTVAR): of the first answer RTTVAR is half, and shrinks by a quarter with each.
            assert.ok(last !== undefined && last.timeoutMs <= RTT_MS + 10 + 1e-3 && last.timeoutMs >= RTT_MS, `${last?.timeoutMs}`)
          }
        })
      }
    }
  },
  'timeouts-deadline': {
    claim: 'timeouts: no attempt is given more time than its request has left, and the deadline is kept',
    scenario: silent,
    roles: {
      server,
      client: {
        run: async (host, parameters) => await withNetwork(host, options({ retryBudget: { reservePerSecond: 100 } }), async ({ network, events, server }) => {
          for (let i = 0; i < 5; i++) {
            await network.request(server, ECHO, bytesOf(String(i)))
          }
          await sleepUntil(host, 600 + RTT_MS)
          const asked: Array<{ readonly startedMs: number, readonly deadlineMs: number }> = []
          await Promise.all([60, 150, 400, 900].map(async deadlineMs => {
            asked.push({ startedMs: host.clock.now(), deadlineMs })
            const tookMs = await timed(host.clock, async () => assert.equal(await codeOf(network.request(server, ECHO, bytesOf('x'), { deadlineMs, idempotent: true })), 'ERR_DEADLINE'))
            assert.ok(tookMs >= deadlineMs - 1 && tookMs <= deadlineMs + slackMs(parameters), `took ${tookMs} of ${deadlineMs} ms`)
          }))
          const first = eventsOf(events, 'timeouts:attempt-started').length - asked.length
          assert.ok(first >= 5)
          for (const { requestId, attemptId, timeMs, timeoutMs } of eventsOf(events, 'timeouts:attempt-overdue')) {
            const { startedMs, deadlineMs } = asked[requestId - 6]
            const started = eventsOf(events, 'timeouts:attempt-started').find(attempt => attempt.attemptId === attemptId)
            assert.ok(started !== undefined && started.timeMs + timeoutMs <= startedMs + deadlineMs + 1, `attempt ${attemptId} at ${timeMs} ms`)
          }
        })
      }
    }
  },
  'timeouts-budget': {
    claim: 'timeouts: while a peer stalls, attempts are at most 1.1 times the requests, and the reserve',
    scenario: { faults: stalledAt(FAULT_MS) },
    roles: {
      server,
      client: {
        run: async host => await withNetwork(host, options({ retryBudget: { ratio: 0.1, reservePerSecond: 0.5, windowMs: 10_000 } }, MANY_AT_ONCE), async ({ network, server }) => {
          const ask = async (i: number): Promise<void> => assert.equal(textOf(await network.request(server, ECHO, bytesOf(String(i)), { idempotent: true, deadlineMs: 10_000 })), String(i))
          await Promise.all(Array.from({ length: 100 }, async (_, i) => await ask(i)))
          await sleepUntil(host, FAULT_MS + RTT_MS)
          await Promise.all(Array.from({ length: 100 }, async (_, i) => await ask(i)))
          const { attempts = Infinity, requests = 0, overBudget } = network.metrics.timeouts ?? {}
          assert.equal(requests, 200)
          assert.ok(attempts <= 1.1 * requests + 5, `${attempts} attempts`)
          assert.ok(attempts > requests, 'nothing was tried again')
          assert.ok((overBudget ?? 0) > 0, 'the budget was never met')
        })
      }
    }
  },
  'timeouts-once': {
    claim: 'timeouts: what is not idempotent reaches its handler once at most, however late the answer and whatever became of the connection',
    scenario: { faults: [...stalledAt(700), { kind: 'reset', from: 'client', to: 'server', atMs: 1_500 }] },
    roles: {
      server,
      client: {
        run: async host => await withNetwork(host, options({ initialMs: 100, ceilingMs: 150 }), async ({ network, server }) => {
          const asked: Array<Promise<string>> = []
          for (let i = 0; host.clock.now() < 1_800; i++) {
            // All different, as the handler counts what it was called with: most are answered later than the timeout.
            asked.push(codeOf(network.request(server, LATE, bytesOf(`${(i % 4) * 100}.${i}`), { deadlineMs: 3_000 })))
            await sleep(host.clock, 25)
          }
          const codes = await Promise.all(asked)
          const calls = await reportOf<Calls>(host, CALLS)
          assert.deepEqual(Object.entries(calls).filter(([, times]) => times > 1), [])
          assert.ok(codes.filter(code => code === '').length > codes.length / 2)
          assert.ok((network.metrics.timeouts?.overdue ?? 0) > 10)
        })
      }
    }
  },
  'timeouts-step': {
    claim: 'timeouts: when answers take ten times as long, within ten of them no timeout fires wrongly any more',
    scenario: { paths: [{ from: 'client', to: 'server', forward: { delayMs: NEAR_RTT_MS / 2 } }] },
    roles: {
      server,
      client: {
        run: async (host, parameters) => await withNetwork(host, options({ hedging: false, granularityMs: parameters.realTime === true ? 50 : 10 }), async ({ network, events, server }) => {
          const ask = async (lateMs: number, times: number): Promise<void> => {
            for (let i = 0; i < times; i++) {
              await network.request(server, LATE, bytesOf(String(lateMs)), { idempotent: true })
            }
          }
          await ask(0, 15)
          await ask(9 * NEAR_RTT_MS, 10)
          const adapted = eventsOf(events, 'timeouts:attempt-overdue').length
          assert.ok(adapted > 0, 'the step was not noticed')
          await ask(9 * NEAR_RTT_MS, 5)
          assert.equal(eventsOf(events, 'timeouts:attempt-overdue').length, adapted)
        })
      }
    }
  },
  'timeouts-hedge': {
    claim: 'timeouts: hedges are second attempts beside the first, of idempotent requests alone, and the budget pays for them',
    scenario: { faults: stalledAt(1_800) },
    roles: {
      server,
      client: {
        run: async host => await withNetwork(host, options({ retryBudget: { ratio: 0, reservePerSecond: 0.5, windowMs: 10_000 } }), async ({ network, events, server }) => {
          for (let i = 0; i < 16; i++) {
            await Promise.all([network.request(server, LATE, bytesOf(String(i % 8 * 10)), { idempotent: true }), network.request(server, LATE, bytesOf(String(i % 8 * 10)))])
          }
          await sleepUntil(host, 1_800 + RTT_MS)
          await Promise.all(Array.from({ length: 20 }, async (_, i) => await network.request(server, LATE, bytesOf('1'), { idempotent: i % 2 === 0, deadlineMs: 10_000 })))
          const started = eventsOf(events, 'timeouts:attempt-started')
          const further = started.filter(({ kind }) => kind !== 'first')
          assert.ok(further.length <= 5, `${further.length} further attempts`)
          const hedges = further.filter(({ kind }) => kind === 'hedge')
          assert.ok(hedges.length > 0)
          // Requests were made in pairs, the idempotent one first.
          assert.ok(hedges.every(({ requestId }) => requestId % 2 === 1))
        })
      }
    }
  }
}

export const roles = rolesOf(contracts)

function timeoutsOf ({ network }: Rig): AdaptiveTimeouts {
  assert.ok(network.timeouts !== undefined)
  return network.timeouts
}
