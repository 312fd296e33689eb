import test from 'ava'
import { TwinwireError } from '../../src/core/errors.ts'
import { parseScenario } from '../../src/wires/scenario.ts'
import type { PathDirectionInput, ScenarioInput } from '../../src/wires/scenario.ts'
import { CLIENT_AND_SERVER, play, timesOf } from '../fixtures/scenario-tools.ts'

const hosts = [...CLIENT_AND_SERVER]

function scenarioOf (forward: unknown, others: object = {}): ScenarioInput {
  return { hosts, paths: [{ from: 'client', to: 'server', forward: forward as PathDirectionInput }], limitMs: 60_000, ...others }
}

/** A scenario that is refused: which option, what is expected there, what is found. */
const refused = test.macro((t, scenario: unknown, path: string, expected: RegExp, found: RegExp) => {
  const error = t.throws(() => parseScenario(scenario as ScenarioInput), { instanceOf: TwinwireError })
  t.is(error.path, path)
  t.regex(error.expected ?? '', expected)
  t.regex(error.found ?? '', found)
})

const FORWARD = 'scenario.paths[0].forward'
test('a rate and a trace at once are refused', refused, scenarioOf({ delayMs: 1, rateBitsPerSecond: 1e6, trace: { opportunitiesMs: [1] } }), `${FORWARD}.trace`, /a trace or rateBitsPerSecond, not both/, /opportunitiesMs/)
test('reordering without jitter is refused', refused, scenarioOf({ delayMs: 1, reorder: true }), `${FORWARD}.reorder`, /jitter/, /true/)
test('a queue of less than a packet is refused', refused, scenarioOf({ delayMs: 1, queue: { limitBytes: 100 } }), `${FORWARD}.queue.limitBytes`, /at least 1500/, /100/)
test('a queue with two limits is refused', refused, scenarioOf({ delayMs: 1, queue: { limitBytes: 1e5, limitPackets: 3 } }), `${FORWARD}.queue`, /limitBytes or limitPackets/, /100000/)
test('a discipline that there is not is refused', refused, scenarioOf({ delayMs: 1, queue: { discipline: 'pie' } }), `${FORWARD}.queue.discipline`, /fq-codel/, /pie/)
test('thresholds of RED the wrong way round are refused', refused, scenarioOf({ delayMs: 1, queue: { discipline: 'red', minimumPackets: 20 } }), `${FORWARD}.queue.maximumPackets`, /above minimumPackets \(20\)/, /nothing|15/)
test('a policer through which no packet passes is refused', refused, scenarioOf({ delayMs: 1, policer: { rateBitsPerSecond: 1e6, burstBytes: 500 } }), `${FORWARD}.policer.burstBytes`, /at least 1500/, /500/)
test('a trace that descends is refused', refused, scenarioOf({ delayMs: 1, trace: { opportunitiesMs: [5, 3] } }), `${FORWARD}.trace.opportunitiesMs[1]`, /do not descend/, /3/)
test('a trace without a period is refused', refused, scenarioOf({ delayMs: 1, trace: { opportunitiesMs: [0, 0] } }), `${FORWARD}.trace.opportunitiesMs`, /last instant above 0/, /0/)
test('a trace beyond any link is refused', refused, scenarioOf({ delayMs: 1, trace: { opportunitiesMs: new Uint32Array(1e5).fill(1) } }), `${FORWARD}.trace.opportunitiesMs`, /at most 1000000000000 bit\/s/, /1/)
test('a Pareto tail without a mean is refused', refused, scenarioOf({ delayMs: 1, jitter: { distribution: 'pareto', scaleMs: 1, shape: 1 } }), `${FORWARD}.jitter.shape`, /greater than 1/, /1/)
test('no samples to draw from are refused', refused, scenarioOf({ delayMs: 1, jitter: { distribution: 'empirical', samplesMs: [] } }), `${FORWARD}.jitter.samplesMs`, /at least 1/, /\[\]/)
test('a script that goes back is refused', refused, scenarioOf({ delayMs: 1, loss: { model: 'scripted', packets: [3, 3] } }), `${FORWARD}.loss.packets[1]`, /ascend/, /3/)
test('a delay of days is refused', refused, scenarioOf({ delayMs: 1e9 }), `${FORWARD}.delayMs`, /at most 3600000/, /1000000000/)
test('the jitter of earlier versions is refused by its name', refused, scenarioOf({ delayMs: 1, jitterMs: 5 }), `${FORWARD}.jitterMs`, /jitter/, /jitterMs/)
test('a limit beyond the end of time is refused', refused, scenarioOf({ delayMs: 1 }, { limitMs: 1e12 }), 'scenario.limitMs', /at most/, /1000000000000/)
test('a fault on a path that there is not is refused', refused, { hosts: [...hosts, { name: 'other', role: 'idle' }], paths: [], limitMs: 1, faults: [{ kind: 'stall', from: 'client', to: 'other', atMs: 1, durationMs: 1 }] }, 'scenario.faults[0]', /ends of a path/, /client and other/)
test('a partition of nobody known is refused', refused, scenarioOf({ delayMs: 1 }, { faults: [{ kind: 'partition', nodes: ['sever'], atMs: 1 }] }), 'scenario.faults[0].nodes[0]', /server/, /sever/)
test('traffic from nobody known is refused', refused, scenarioOf({ delayMs: 1 }, { crossTraffic: [{ kind: 'poisson', from: 'klient', to: 'server', rateBitsPerSecond: 1e6 }] }), 'scenario.crossTraffic[0].from', /client/, /klient/)
test('more traffic than any link has room for is refused', refused, scenarioOf({ delayMs: 1 }, { crossTraffic: [{ kind: 'poisson', from: 'client', to: 'server', rateBitsPerSecond: 1.2e16 }] }), 'scenario.crossTraffic[0].rateBitsPerSecond', /at most/, /12000000000000000/)
test('bursts of a millionth of a packet are refused', refused, scenarioOf({ delayMs: 1 }, { crossTraffic: [{ kind: 'on-off', from: 'client', to: 'server', rateBitsPerSecond: 1e6, meanOnMs: 1e-5, meanOffMs: 1 }] }), 'scenario.crossTraffic[0].meanOnMs', /thousandth/, /0.00001|1e-5/)
test('an option that TCP has not is refused', refused, { hosts: [{ ...hosts[0], tcp: { congestoin: 'reno' } }, hosts[1]], limitMs: 1 }, 'scenario.hosts[0].tcp.congestoin', /congestion/, /congestoin/)
test('a preset that TCP has not is refused', refused, { hosts: [{ ...hosts[0], tcp: { preset: 'bsd' } }, hosts[1]], limitMs: 1 }, 'scenario.hosts[0].tcp.preset', /"linux", "rfc"/, /bsd/)
test('a million faults are refused', refused, scenarioOf({ delayMs: 1 }, { faults: Array.from({ length: 1e6 }, () => ({ kind: 'reset', from: 'client', to: 'server', atMs: 1 })) }), 'scenario.faults', /at most 100000/, /reset/)
test('a topology beside paths is refused', refused, scenarioOf({ delayMs: 1 }, { topology: { kind: 'star', access: { forward: { delayMs: 1 } } } }), 'scenario.paths', /none beside a topology/, /1/)
test('a place without a topology is refused', refused, { hosts: [{ ...hosts[0], at: 'left' }, hosts[1]], limitMs: 1 }, 'scenario.hosts[0].at', /a topology/, /left/)

/** A dial takes three round trips, and nothing else in a path without a rate. */
const DIAL_ROUND_TRIPS = 3

/**
 * Whether the SYN was lost once: it goes out again after 1 s (RFC 6298 2.1). Linux's wheel holds a timer of 250 ticks of
 * 4 ms in steps of 8, so that it is late by up to 32 ms, and a tick.
 */
function isOnceLater (tookMs: number): boolean {
  const lateMs = tookMs - 1000 - DIAL_ROUND_TRIPS * 20
  return lateMs >= 0 && lateMs <= 36
}

test('jitter of every distribution adds to the delay, and never shortens it where it cannot be negative', async t => {
  for (const jitter of [
    { distribution: 'uniform', boundMs: 10 }, { distribution: 'pareto', scaleMs: 10, shape: 3 }, { distribution: 'empirical', samplesMs: [4, 5] }
  ] as const) {
    const [took] = timesOf(await play(scenarioOf({ delayMs: 10, jitter })), 'dial')
    t.true(took > DIAL_ROUND_TRIPS * 20, jitter.distribution)
  }
  // Each of the six ways adds 4 or 5 ms.
  const [took] = timesOf(await play(scenarioOf({ delayMs: 10, jitter: { distribution: 'empirical', samplesMs: [4, 5] } })), 'dial')
  t.true(took >= DIAL_ROUND_TRIPS * 28 && took <= DIAL_ROUND_TRIPS * 30)
})

test('a link that delivers once a millisecond lets a dial wait for its opportunities', async t => {
  const [took] = timesOf(await play(scenarioOf({ delayMs: 10, trace: { opportunitiesMs: [1] } })), 'dial')
  // Six ways, each waits for one opportunity or a few: up to 1 ms each, for one to three packets.
  t.true(took > 60 && took <= 60 + 6 * 3, `${took} ms`)
})

test('a direction of its own for the way back, a black hole one way, and one for good', async t => {
  const backward = { delayMs: 30 }
  const asymmetric = await play({ hosts, paths: [{ from: 'client', to: 'server', forward: { delayMs: 10 }, backward }], limitMs: 60_000 })
  t.deepEqual(timesOf(asymmetric, 'dial'), [DIAL_ROUND_TRIPS * 40])
  const hole = { kind: 'black-hole', atMs: 0, scope: 'all' } as const
  // The answer to the first SYN is lost.
  const oneWay = await play(scenarioOf({ delayMs: 10 }, { faults: [{ ...hole, from: 'server', to: 'client', direction: 'forward', durationMs: 500 }] }))
  const [took] = timesOf(oneWay, 'dial')
  t.true(isOnceLater(took), `${took} ms`)
  t.deepEqual(timesOf(await play(scenarioOf({ delayMs: 10 }, { faults: [{ ...hole, from: 'client', to: 'server' }] })), 'dial'), [])
})

test('a cable that is cut loses what is on its way, and a partition what would cross it', async t => {
  for (const fault of [
    { kind: 'down', from: 'client', to: 'server', atMs: 5, durationMs: 10 }, { kind: 'partition', nodes: ['server'], atMs: 0, durationMs: 15 }
  ] as const) {
    const [took] = timesOf(await play(scenarioOf({ delayMs: 10 }, { faults: [fault] })), 'dial')
    t.true(isOnceLater(took), `${fault.kind}: ${took} ms`)
  }
})

test('traffic at ten times the rate fills a queue, and a dial waits for all of it', async t => {
  const queue = { limitPackets: 50 }
  const traffic = { kind: 'poisson', from: 'client', to: 'server', rateBitsPerSecond: 100e6 } as const
  const dial = async (crossTraffic: object[]): Promise<number> => {
    return timesOf(await play(scenarioOf({ delayMs: 10, rateBitsPerSecond: 10e6, queue }, { crossTraffic })), 'dial')[0] ?? Infinity
  }
  const alone = await dial([])
  // 50 packets of 1500 B wait 60 ms at 10 Mbit/s; before each of three ways forward, if the packet finds room at all.
  t.true(await dial([traffic]) > alone + 3 * 55)
  t.is(await dial([{ ...traffic, from: 'server', to: 'client', atMs: 30_000 }]), alone)
})

test('TCP as cross traffic fills a queue, from hosts and to them, beside datagrams', async t => {
  const forward: PathDirectionInput = { delayMs: 10, rateBitsPerSecond: 10e6, queue: { limitPackets: 50 } }
  const dial = async (crossTraffic: ScenarioInput['crossTraffic']): Promise<number> => {
    const outcome = await play(scenarioOf(forward, { crossTraffic }), { rounds: 50 })
    t.is(outcome.error, undefined)
    const times = timesOf(outcome, 'dial')
    return times.reduce((sum, time) => sum + time) / times.length
  }
  const ends = { from: 'client', to: 'server' } as const
  const alone = await dial([])
  // 50 packets wait 60 ms at 10 Mbit/s, more than half of that in the mean (Reno and CUBIC keep more than half a window).
  t.true(await dial([{ kind: 'bulk-tcp', ...ends, flows: 3 }]) > alone + 30)
  t.true(await dial([{ kind: 'tcp-transfers', ...ends, arrivalsPerSecond: 50, meanBytes: 20_000, shape: 1.5 }, { kind: 'poisson', ...ends, rateBitsPerSecond: 1e6 }]) > alone)
})

test('hosts do TCP as they are told', async t => {
  const forward: PathDirectionInput = { delayMs: 10, loss: { model: 'scripted', packets: [0] } }
  const dial = async (tcp: Record<string, unknown>): Promise<number> => {
    return timesOf(await play({ hosts: [{ ...hosts[0], tcp }, hosts[1]], paths: [{ from: 'client', to: 'server', forward, backward: { delayMs: 10 } }], limitMs: 60_000 }), 'dial')[0]
  }
  // The SYN is lost: what the timeout for it is, to the nanosecond without ticks.
  t.is(await dial({ preset: 'rfc' }), 1000 + DIAL_ROUND_TRIPS * 20)
  t.is(await dial({ preset: 'rfc', initialRtoNs: 3e9 }), 3000 + DIAL_ROUND_TRIPS * 20)
})

test('full segments vanish on a path whose MTU they exceed', async t => {
  t.is(timesOf(await play(scenarioOf({ delayMs: 10, mtuBytes: 100 })), 'dial').length, 0)
  t.is(timesOf(await play(scenarioOf({ delayMs: 10, mtuBytes: 1500 })), 'dial').length, 1)
})

test('hosts that would have to negotiate SACK or the segment size are refused', t => {
  for (const tcp of [{ preset: 'rfc', mssBytes: 536 }, { sack: false, lossDetection: 'duplicates', tailLossProbe: false, forwardRtoRecovery: false }] as const) {
    t.throws(() => parseScenario({ hosts: [{ name: 'a', role: 'x' }, { name: 'b', role: 'x', tcp }], limitMs: 1 }), {
      code: 'ERR_INVALID_OPTION', message: /scenario\.hosts\[1\]\.tcp\.(sack|mssBytes)/
    })
  }
})
