import test from 'ava'
import * as fc from 'fast-check'
import { randomStream } from '../../src/core/random.ts'
import { Deadlines } from '../../src/optim/deadlines.ts'
import { AddressBackoff } from '../../src/optim/pool/address-backoff.ts'
import { PeakEwma, pickOfTwo } from '../../src/optim/pool/balance.ts'
import { BlackHoleDetector } from '../../src/optim/pool/black-hole.ts'
import { ConnectionHealth } from '../../src/optim/pool/health.ts'
import { Pace } from '../../src/optim/pool/pace.ts'
import { DialRace } from '../../src/optim/pool/race.ts'
import { rankAddresses } from '../../src/optim/pool/rank.ts'
import { WaiterQueue } from '../../src/optim/pool/waiters.ts'
import { Kernel } from '../../src/sim/kernel.ts'
import { VirtualClock } from '../../src/sim/virtual-clock.ts'
import { FakeMultiaddr, FakePeerId } from './fake-node.ts'
import { HandClock } from './hand-clock.ts'
import type { Waiter } from '../../src/optim/pool/waiters.ts'
import type { Connection } from '../../src/optim/port.ts'

const RUNS = { numRuns: 10_000 }

test('deadlines fire as a naive list would have them: in order of time and of setting, never once cancelled, on one timer', t => {
  const step = fc.oneof(
    fc.record({ act: fc.constant('set' as const), ms: fc.integer({ min: 0, max: 30 }) }),
    fc.record({ act: fc.constant('cancel' as const), ms: fc.nat(40) }),
    fc.record({ act: fc.constant('wait' as const), ms: fc.integer({ min: 0, max: 20 }) })
  )
  fc.assert(fc.property(fc.array(step, { maxLength: 40 }), steps => {
    const clock = new HandClock()
    const deadlines = new Deadlines(clock)
    const fired: string[] = []
    const timers: Array<{ cancel(): void }> = []
    const expected: string[] = []
    // The naive list: sorted, and looked through at each step.
    let list: Array<{ i: number, atMs: number }> = []
    for (const { act, ms } of [...steps, { act: 'wait' as const, ms: 50 }]) {
      if (act === 'set') {
        const i = timers.length
        list.push({ i, atMs: clock.nowMs + ms })
        timers.push(deadlines.after(ms, () => fired.push(`${i} at ${clock.nowMs}`)))
      } else if (act === 'cancel') {
        timers[ms]?.cancel()
        list = list.filter(({ i }) => i !== ms)
      } else {
        const untilMs = clock.nowMs + ms
        list.sort((a, b) => a.atMs - b.atMs || a.i - b.i)
        expected.push(...list.filter(({ atMs }) => atMs <= untilMs).map(({ i, atMs }) => `${i} at ${atMs}`))
        list = list.filter(({ atMs }) => atMs > untilMs)
        clock.run(untilMs)
      }
      if (deadlines.size !== list.length) {
        return false
      }
    }
    return fired.join() === expected.join() && clock.most <= 1 && clock.timers.size === 0
  }), RUNS)
  t.pass()
})

test('with one wedged connection among healthy ones, requests after the first time-out go to the healthy ones, whatever their load', t => {
  fc.assert(fc.property(fc.integer(), fc.integer({ min: 1, max: 4 }), fc.integer({ min: 5, max: 500 }), fc.integer({ min: 1, max: 20 }), (seed, healthy, rttMs, wedgedPending) => {
    const random = randomStream(seed)
    const timeoutMs = 4 * rttMs
    const connections = Array.from({ length: healthy + 1 }, (_, i) => ({ wedged: i === 0, cost: new PeakEwma(10_000), pending: i === 0 ? wedgedPending : 0, health: new ConnectionHealth() }))
    const [wedged] = connections
    for (const { cost } of connections) {
      cost.observe(0, rttMs)
    }
    // The attempt that was under way on it times out: what the pool does then.
    wedged.cost.observe(timeoutMs, timeoutMs)
    wedged.health.onTimeout(timeoutMs, 0)
    wedged.pending--
    for (let i = 0; i < 20; i++) {
      const nowMs = timeoutMs + i * rttMs
      const usable = connections.filter(({ health }) => health.state === 'healthy')
      const chosen = pickOfTwo(usable, random, ({ cost, pending }) => cost.load(nowMs, pending))
      if (chosen === undefined || chosen.wedged) {
        return false
      }
      chosen.cost.observe(nowMs, rttMs)
    }
    return true
  }), RUNS)
  t.pass()
})

test('even before its first time-out a wedged connection gets few requests: with two, none once its pending outweigh the other\'s', t => {
  fc.assert(fc.property(fc.integer(), fc.integer({ min: 5, max: 500 }), (seed, rttMs) => {
    const random = randomStream(seed)
    const [wedged, other] = [new PeakEwma(10_000), new PeakEwma(10_000)]
    wedged.observe(0, rttMs)
    other.observe(0, rttMs)
    let pending = 0
    for (let i = 1; i <= 50; i++) {
      // One request a round trip; what goes to the other is answered, what goes to the wedged one stays.
      const nowMs = i * rttMs
      const chosen = pickOfTwo(['wedged', 'other'] as const, random, name => name === 'wedged' ? wedged.load(nowMs, pending) : other.load(nowMs, 0))
      if (chosen === 'wedged') {
        pending++
      } else {
        other.observe(nowMs, rttMs)
      }
    }
    // Unanswered, the wedged one's cost decays by e^(-t/tau): it takes one request more each time that (pending + 1) e^(-t/tau) < 1.
    return pending + 1 <= Math.ceil(Math.exp(50 * rttMs / 10_000)) + 1
  }), RUNS)
  t.pass()
})

test('Peak EWMA lies between the least and the greatest sample, never under the last peak\'s decay, and a peak counts in full', t => {
  const sample = fc.record({ gapMs: fc.integer({ min: 0, max: 5_000 }), sampleMs: fc.integer({ min: 1, max: 10_000 }) })
  fc.assert(fc.property(fc.array(sample, { minLength: 1, maxLength: 20 }), samples => {
    const cost = new PeakEwma(10_000)
    const seen: number[] = []
    let nowMs = 0
    for (const { gapMs, sampleMs } of samples) {
      nowMs += gapMs
      const beforeMs = cost.costMs(nowMs)
      cost.observe(nowMs, sampleMs)
      seen.push(sampleMs)
      const costMs = cost.costMs(nowMs)
      const rounding = 1e-9 * costMs
      if (costMs > Math.max(...seen) + rounding || costMs < Math.min(...seen) - rounding || (sampleMs >= beforeMs && costMs < sampleMs - rounding)) {
        return false
      }
    }
    return true
  }), RUNS)
  t.pass()
})

test('every order of addresses: each is ranked once, delays never fall, relays come last where there is a direct one', t => {
  const host = fc.constantFrom('/ip4/1.1.1.1', '/ip4/10.0.0.1', '/ip6/2001:db8::1', '/ip6/fd00::1', '/dns4/example.org')
  const address = fc.tuple(host, fc.constantFrom('/tcp/1', '/tcp/1/ws', '/udp/1/quic-v1', '/udp/1/webrtc-direct', '/tcp/1/p2p/r/p2p-circuit')).map(([a, b]) => a + b)
  fc.assert(fc.property(fc.uniqueArray(address, { maxLength: 15 }), texts => {
    const ranked = rankAddresses(texts.map(text => new FakeMultiaddr(text)))
    const names = ranked.map(({ address }) => address.toString())
    const relays = ranked.filter(({ address }) => address.toString().includes('p2p-circuit'))
    const direct = relays.length < ranked.length
    return names.toSorted().join() === texts.toSorted().join() &&
      ranked.every(({ delayMs }, i) => delayMs >= (ranked[i - 1]?.delayMs ?? 0)) &&
      relays.every(({ delayMs }) => delayMs >= (direct ? 500 : 0)) &&
      (ranked[0]?.delayMs ?? 0) === 0
  }), RUNS)
  t.pass()
})

interface Runner {
  readonly delayMs: number
  readonly tookMs: number
  readonly works: boolean
}

/** The oracle: one millisecond after the other. When each address is begun, and which connects first. */
function raced (runners: readonly Runner[]): { readonly starts: number[], readonly winner: string } {
  const waiting = runners.map((runner, i) => ({ i, ...runner })).sort((a, b) => a.delayMs - b.delayMs)
  const starts: number[] = []
  const start = (ms: number): void => {
    const next = waiting.shift()
    if (next !== undefined) {
      starts[next.i] = ms
    }
  }
  start(0)
  for (let ms = 0; ; ms++) {
    // Those that end in this instant; each failure starts another at once. Then those whose time has come.
    for (const [i, { tookMs, works }] of runners.entries()) {
      if (starts[i] + tookMs === ms) {
        if (works) {
          return { starts, winner: String(i) }
        }
        start(ms)
      }
    }
    for (const { delayMs } of waiting.slice()) {
      if (delayMs <= ms) {
        start(ms)
      }
    }
    if (waiting.length === 0 && runners.every(({ tookMs }, i) => starts[i] + tookMs <= ms)) {
      return { starts, winner: 'none' }
    }
  }
}

test('a race starts each address at its time or at once after a failure, keeps the first that connects, and ends the others', async t => {
  const runner = fc.record({ delayMs: fc.integer({ min: 0, max: 30 }), tookMs: fc.integer({ min: 1, max: 30 }), works: fc.boolean() })
  const peer = new FakePeerId('server')
  let compared = 0
  await fc.assert(fc.asyncProperty(fc.array(runner, { minLength: 1, maxLength: 4 }), async runners => {
    const clock = new HandClock()
    const ended: string[] = []
    const starts: number[] = []
    const connections = runners.map((_, i) => ({ id: String(i), remotePeer: peer, status: 'open', abort () { ended.push(`late ${i}`) } }) as unknown as Connection)
    const ranked = runners.map(({ delayMs }, i) => ({ address: new FakeMultiaddr(`/ip4/10.0.0.1/tcp/${i}`), delayMs }))
    const race = new DialRace(peer, ranked, 1_000, {
      deadlines: new Deadlines(clock),
      clock,
      claim: () => true,
      onAddress: (address, reason) => ended.push(`${reason} ${address.toString()}`),
      dial: address => {
        const i = Number(/tcp\/(\d+)/.exec(address.toString())?.[1])
        starts[i] = clock.nowMs
        return new Promise((resolve, reject) => {
          clock.setTimeout(() => runners[i].works ? resolve(connections[i]) : reject(new Error('refused')), runners[i].tookMs)
        })
      }
    })
    const outcome = race.result.then(({ connection }) => connection.id, () => 'none')
    await clock.runAsync(200)
    const winner = await outcome
    const expected = raced(runners)
    // What ends in the instant of another's end or start is the event loop's to order, and is not compared.
    const instants = [...expected.starts.map((ms, i) => ms + runners[i].tookMs), ...runners.map(({ delayMs }) => delayMs)].filter(ms => !Number.isNaN(ms))
    if (new Set(instants).size === instants.length) {
      compared++
      t.is(winner, expected.winner)
      t.deepEqual(starts, expected.starts)
    }
    // Each that began has ended once, one of them as the winner where there is one.
    t.is(ended.filter(text => !text.startsWith('late')).length, Object.keys(starts).length)
    t.is(ended.filter(text => text.startsWith('won')).length, winner === 'none' ? 0 : 1)
    t.is(clock.timers.size, 0)
  }), RUNS)
  t.true(compared > 3_000, `${compared} compared`)
})

test('the black-hole detector agrees with a naive count of the last dials of each kind, in 10,000 histories', t => {
  const step = fc.record({ kind: fc.constantFrom('/ip4/1.1.1.1/tcp/1', '/ip6/2001:db8::1/tcp/1'), works: fc.boolean() })
  fc.assert(fc.property(fc.array(step, { maxLength: 60 }), fc.integer({ min: 2, max: 8 }), fc.integer({ min: 0, max: 4 }), (steps, window, successes) => {
    const detector = new BlackHoleDetector(window, successes)
    const history = new Map<string, boolean[]>()
    const refusedInRow = new Map<string, number>()
    for (const { kind, works } of steps) {
      const address = new FakeMultiaddr(kind)
      const past = history.get(kind) ?? []
      history.set(kind, past)
      const blocked = past.length >= window && past.slice(-window).filter(Boolean).length < successes
      const refused = refusedInRow.get(kind) ?? 0
      // Every window-th that is asked about is let through.
      const expected = !blocked || refused + 1 === window
      if (detector.allows(address) !== expected) {
        return false
      }
      refusedInRow.set(kind, expected ? blocked ? 0 : refused : refused + 1)
      if (expected) {
        detector.record(address, works)
        if (blocked && works) {
          past.length = 0
        }
        past.push(works)
      }
    }
    return true
  }), RUNS)
  t.pass()
})

test('an address is left alone for min(5 s + 1 s x tries^2, 5 min) within 20% after each failure, and never for good', t => {
  const step = fc.record({ gapMs: fc.integer({ min: 0, max: 400_000 }), address: fc.integer({ min: 0, max: 2 }), works: fc.boolean() })
  fc.assert(fc.property(fc.array(step, { maxLength: 20 }), fc.integer(), (steps, seed) => {
    const backoff = new AddressBackoff(randomStream(seed))
    const addresses = [0, 1, 2].map(i => new FakeMultiaddr(`/ip4/1.1.1.${i}/tcp/1`))
    // Beside one that never failed, none is dialled for want of a better one.
    const untried = new FakeMultiaddr('/ip4/1.1.1.9/tcp/1')
    const isDue = (address: FakeMultiaddr, atMs: number): boolean => backoff.due([address, untried], atMs).includes(address)
    const tries = [0, 0, 0]
    let nowMs = 0
    for (const { gapMs, address, works } of steps) {
      nowMs += gapMs
      if (works) {
        tries[address] = 0
        backoff.succeeded(addresses[address])
      } else {
        tries[address]++
        backoff.failed(addresses[address], nowMs)
        const nominalMs = Math.min(5_000 + 1_000 * tries[address] ** 2, 300_000)
        if (isDue(addresses[address], nowMs + 0.8 * nominalMs - 1e-6) || !isDue(addresses[address], nowMs + 1.2 * nominalMs + 1e-6)) {
          return false
        }
      }
      const due = backoff.due(addresses, nowMs)
      const free = addresses.filter(address => isDue(address, nowMs))
      if (due.length === 0 || (free.length > 0 && due.length !== free.length)) {
        return false
      }
    }
    return true
  }), RUNS)
  t.pass()
})

test('whatever is done as soon as a pace allows it is at least base x 2^n apart, less 20%, up to the ceiling', t => {
  fc.assert(fc.property(fc.array(fc.integer({ min: 0, max: 50_000 }), { maxLength: 30 }), fc.integer(), (waits, seed) => {
    const pace = new Pace(randomStream(seed), 1_000, 30_000)
    let nowMs = 0
    let lastMs = -Infinity
    let count = 0
    for (const waitMs of waits) {
      nowMs += waitMs
      if (pace.allows(nowMs) !== (pace.remainingMs(nowMs) === 0)) {
        return false
      }
      if (!pace.allows(nowMs)) {
        continue
      }
      if (lastMs !== -Infinity && nowMs - lastMs < 0.8 * Math.min(1_000 * 2 ** count, 30_000) - 1e-6) {
        return false
      }
      pace.advance(nowMs)
      count = nowMs - lastMs > 60_000 ? 0 : count + 1
      lastMs = nowMs
    }
    return true
  }), RUNS)
  t.pass()
})

test('waiters come out by priority and then arrival, however they are added, removed and put back', t => {
  const step = fc.record({ act: fc.constantFrom('add', 'add', 'remove', 'back', 'take'), priority: fc.integer({ min: 0, max: 2 }), which: fc.nat(30) })
  fc.assert(fc.property(fc.array(step, { maxLength: 40 }), steps => {
    const queue = new WaiterQueue()
    const all: Waiter[] = []
    let inside: Waiter[] = []
    for (const { act, priority, which } of steps) {
      const waiter = all[which]
      if (act === 'add') {
        const added = { priority, sequence: all.length } as Waiter
        all.push(added)
        inside.push(added)
        queue.add(added)
      } else if (act === 'remove') {
        if (queue.remove(waiter) !== inside.includes(waiter)) {
          return false
        }
        inside = inside.filter(other => other !== waiter)
      } else if (act === 'back' && waiter !== undefined && !inside.includes(waiter)) {
        inside.push(waiter)
        queue.add(waiter)
      } else if (act === 'take' && queue.first !== undefined) {
        inside = inside.filter(other => other !== queue.first)
        queue.remove(queue.first)
      }
      const expected = inside.toSorted((a, b) => b.priority - a.priority || a.sequence - b.sequence)
      if ([...queue].map(({ sequence }) => sequence).join() !== expected.map(({ sequence }) => sequence).join()) {
        return false
      }
    }
    return true
  }), RUNS)
  t.pass()
})

test('health: whatever comes back makes healthy, and dead only what stayed silent twice, the second time from its start', t => {
  const step = fc.record({ act: fc.constantFrom('answer', 'opened', 'error', 'refusal', 'timeout', 'replaced'), agoMs: fc.nat(50) })
  fc.assert(fc.property(fc.array(step, { maxLength: 25 }), steps => {
    const health = new ConnectionHealth()
    let nowMs = 0
    let suspectSinceMs: number | undefined
    for (const { act, agoMs } of steps) {
      nowMs += 10
      const before = health.state
      if (act === 'answer' || act === 'opened') {
        health.onAnswer(act === 'answer')
        if (health.state !== 'healthy') {
          return false
        }
      } else if (act === 'error') {
        health.onError(nowMs)
      } else if (act === 'refusal') {
        health.onRefusal(nowMs)
      } else if (act === 'timeout') {
        health.onTimeout(nowMs, nowMs - agoMs)
      } else {
        health.onReplaced(nowMs - agoMs)
      }
      const startedSince = suspectSinceMs !== undefined && nowMs - agoMs >= suspectSinceMs
      if (health.state === 'dead' && before !== 'dead' && (before !== 'suspect' || !startedSince || (act !== 'timeout' && act !== 'replaced'))) {
        return false
      }
      if (health.state === 'suspect' && before === 'healthy') {
        suspectSinceMs = nowMs
      }
    }
    return true
  }), RUNS)
  t.pass()
})

test('a deadline set before the clock went back is due when it would have been, in 10,000 random jumps', t => {
  fc.assert(fc.property(fc.array(fc.integer({ min: 1, max: 100 }), { minLength: 1, maxLength: 8 }), fc.array(fc.record({ afterMs: fc.integer({ min: 0, max: 60 }), jumpMs: fc.integer({ min: 20, max: 1e7 }) }), { maxLength: 3 }), (delays, jumps) => {
    const hand = new HandClock()
    let offsetMs = 0
    const deadlines = new Deadlines({ now: () => hand.nowMs + offsetMs, setTimeout: (callback, delayMs) => hand.setTimeout(callback, delayMs) })
    const lateMs: number[] = []
    delays.forEach(delayMs => deadlines.after(delayMs, () => lateMs.push(hand.nowMs - delayMs)))
    for (const { afterMs, jumpMs } of jumps) {
      hand.run(hand.nowMs + afterMs)
      offsetMs -= jumpMs
    }
    hand.run(hand.nowMs + 1e3)
    // Each jump may cost what passed since the clock was last asked: at most the wait for the next deadline.
    return lateMs.length === delays.length && lateMs.every(late => late >= 0 && late <= 100 * jumps.length)
  }), RUNS)
  t.pass()
})

test('the kernel agrees: a thousand deadlines on virtual time need one timer at any moment', t => {
  const kernel = new Kernel()
  const deadlines = new Deadlines(new VirtualClock(kernel))
  let fired = 0
  for (let i = 0; i < 1_000; i++) {
    deadlines.after(i % 97, () => { fired++ })
    t.true(kernel.pending <= 1)
  }
  kernel.run()
  t.is(fired, 1_000)
})
