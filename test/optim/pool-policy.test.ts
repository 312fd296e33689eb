import test from 'ava'
import { randomStream } from '../../src/core/random.ts'
import { Kernel } from '../../src/sim/kernel.ts'
import { VirtualClock } from '../../src/sim/virtual-clock.ts'
import { AddressBackoff } from '../../src/optim/pool/address-backoff.ts'
import { BlackHoleDetector } from '../../src/optim/pool/black-hole.ts'
import { Deadlines } from '../../src/optim/deadlines.ts'
import { ConnectionHealth } from '../../src/optim/pool/health.ts'
import { Pace } from '../../src/optim/pool/pace.ts'
import { parsePoolOptions } from '../../src/optim/pool/options.ts'
import { PeakEwma, pickOfTwo } from '../../src/optim/pool/balance.ts'
import { rankAddresses } from '../../src/optim/pool/rank.ts'
import { withoutPeer } from '../../src/optim/pool/race.ts'
import { FakeMultiaddr, FakePeerId } from './fake-node.ts'

const address = (text: string): FakeMultiaddr => new FakeMultiaddr(text)
const ranked = (...texts: string[]): Array<[string, number]> => rankAddresses(texts.map(address)).map(({ address, delayMs }) => [address.toString(), delayMs])

test('Peak EWMA: a higher sample counts in full at once, a lower one by 1 - e^(-dt/tau)', t => {
  const cost = new PeakEwma(10_000)
  cost.observe(0, 50)
  cost.observe(0, 200)
  t.is(cost.costMs(0), 200)
  cost.observe(10_000, 50)
  const weight = Math.exp(-1)
  t.true(Math.abs(cost.costMs(10_000) - (200 * weight + 50 * (1 - weight))) < 1e-9)
})

test('Peak EWMA: load is cost (pending + 1), decays while nothing is heard, and is dear where requests never came back', t => {
  const cost = new PeakEwma(10_000)
  t.is(cost.load(0, 0), 0)
  t.true(cost.load(0, 1) > 1e8)
  cost.observe(0, 100)
  t.is(cost.load(0, 3), 400)
  t.true(Math.abs(cost.load(10_000, 0) - 100 * Math.exp(-1)) < 1e-9)
})

test('of two candidates the less loaded is chosen, and of n the most loaded never', t => {
  const random = randomStream('pick')
  for (let i = 0; i < 200; i++) {
    t.is(pickOfTwo([5, 3], random, load => load), 3)
    t.not(pickOfTwo([1, 9, 4, 2], random, load => load), 9)
  }
  t.is(pickOfTwo([], random, () => 0), undefined)
  t.is(pickOfTwo([7], random, () => 0), 7)
})

test('public addresses start 250 ms apart and private ones 30 ms apart, both from 0, and relays 500 ms later', t => {
  t.deepEqual(ranked('/ip4/1.1.1.1/tcp/1/p2p/relay/p2p-circuit', '/ip4/1.1.1.1/tcp/1', '/ip4/10.0.0.1/tcp/1', '/ip4/1.1.1.2/tcp/1', '/ip4/192.168.1.1/tcp/1'), [
    ['/ip4/10.0.0.1/tcp/1', 0],
    ['/ip4/1.1.1.1/tcp/1', 0],
    ['/ip4/192.168.1.1/tcp/1', 30],
    ['/ip4/1.1.1.2/tcp/1', 250],
    ['/ip4/1.1.1.1/tcp/1/p2p/relay/p2p-circuit', 500]
  ])
})

test('a peer that has relays only is dialled through the first at once', t => {
  t.deepEqual(ranked('/ip4/1.1.1.1/tcp/1/p2p/relay/p2p-circuit'), [['/ip4/1.1.1.1/tcp/1/p2p/relay/p2p-circuit', 0]])
})

test('families take turns beginning with IPv6 (RFC 8305, section 4), and TCP goes before WebSockets', t => {
  t.deepEqual(ranked('/ip4/1.1.1.1/tcp/1/ws', '/ip4/1.1.1.1/tcp/2', '/ip6/2001:db8::1/tcp/1', '/ip6/2001:db8::2/tcp/1').map(([text]) => text), [
    '/ip6/2001:db8::1/tcp/1', '/ip4/1.1.1.1/tcp/2', '/ip6/2001:db8::2/tcp/1', '/ip4/1.1.1.1/tcp/1/ws'
  ])
})

test('loopback, link-local, unique local and shared addresses are private', t => {
  for (const host of ['/ip4/127.0.0.1', '/ip4/10.1.2.3', '/ip4/172.16.0.1', '/ip4/172.31.0.1', '/ip4/192.168.0.1', '/ip4/169.254.0.1', '/ip4/100.64.0.1', '/ip6/::1', '/ip6/fd00::1', '/ip6/fe80::1']) {
    t.deepEqual(ranked(`${host}/tcp/1`, `${host}/tcp/2`).map(([, delayMs]) => delayMs), [0, 30], host)
  }
  for (const host of ['/ip4/172.32.0.1', '/ip4/100.128.0.1', '/ip4/11.0.0.1', '/ip6/2001:db8::1', '/dns4/example.org']) {
    t.deepEqual(ranked(`${host}/tcp/1`, `${host}/tcp/2`).map(([, delayMs]) => delayMs), [0, 250], host)
  }
})

test('the peer id is taken off direct addresses, and stays where it is part of the way', t => {
  const peer = new FakePeerId('me')
  t.is(withoutPeer(address('/ip4/1.1.1.1/tcp/1/p2p/me'), peer).toString(), '/ip4/1.1.1.1/tcp/1')
  for (const text of ['/ip4/1.1.1.1/tcp/1', '/ip4/1.1.1.1/tcp/1/p2p/relay/p2p-circuit/p2p/me', '/dnsaddr/example.org/p2p/me', '/p2p/me', '/ip4/1.1.1.1/tcp/1/p2p/other']) {
    t.is(withoutPeer(address(text), peer).toString(), text)
  }
})

test('a kind of address with fewer than 5 successes in 100 dials is let through once in 100, until one succeeds', t => {
  const detector = new BlackHoleDetector(100, 5)
  const ip6 = address('/ip6/2001:db8::1/tcp/1')
  for (let i = 0; i < 100; i++) {
    t.true(detector.allows(ip6))
    detector.record(ip6, i < 4)
  }
  const allowed = Array.from({ length: 200 }, () => detector.allows(ip6))
  t.is(allowed.filter(Boolean).length, 2)
  t.true(detector.allows(address('/ip4/1.1.1.1/tcp/1')), 'other kinds are not concerned')
  detector.record(ip6, true)
  t.true(detector.allows(ip6))
})

test('5 successes in 100 dials are enough not to be a black hole', t => {
  const detector = new BlackHoleDetector(100, 5)
  const ip6 = address('/ip6/2001:db8::1/tcp/1')
  for (let i = 0; i < 100; i++) {
    detector.record(ip6, i < 5)
  }
  t.true(detector.allows(ip6))
  detector.record(ip6, false)
  t.false(detector.allows(ip6), 'the first success has left the window')
})

test('address backoff is min(5 s + 1 s x tries^2, 5 min) within 20%, and a success ends it', t => {
  const backoff = new AddressBackoff(randomStream('backoff'))
  const [bad, good] = [address('/ip4/1.1.1.1/tcp/1'), address('/ip4/1.1.1.2/tcp/1')]
  let nowMs = 0
  for (let tries = 1; tries <= 20; tries++) {
    backoff.failed(bad, nowMs)
    const nominalMs = Math.min(5_000 + 1_000 * tries ** 2, 300_000)
    t.deepEqual(backoff.due([bad, good], nowMs + 0.8 * nominalMs - 1), [good])
    t.deepEqual(backoff.due([bad, good], nowMs + 1.2 * nominalMs), [bad, good])
    nowMs += 1.2 * nominalMs
  }
  backoff.failed(bad, nowMs)
  backoff.succeeded(bad)
  t.deepEqual(backoff.due([bad, good], nowMs), [bad, good])
})

test('where every address is backed off the one that is due soonest is still tried', t => {
  const backoff = new AddressBackoff(randomStream('backoff'))
  const [a, b] = [address('/ip4/1.1.1.1/tcp/1'), address('/ip4/1.1.1.2/tcp/1')]
  for (let i = 0; i < 5; i++) {
    backoff.failed(a, 0)
  }
  backoff.failed(b, 0)
  t.deepEqual(backoff.due([a, b], 1), [b])
  t.deepEqual(backoff.due([], 1), [])
})

test('a pace allows the first at once, then after 1, 2, 4 s within 20%, and all is forgotten after twice the ceiling', t => {
  const pace = new Pace(randomStream('pace'), 1_000, 30_000)
  let nowMs = 0
  for (const delayMs of [1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]) {
    t.true(pace.allows(nowMs))
    pace.advance(nowMs)
    t.false(pace.allows(nowMs + 0.8 * delayMs - 1))
    nowMs += 1.2 * delayMs
  }
  nowMs += 60_001
  pace.advance(nowMs)
  t.true(pace.allows(nowMs + 1_200))
})

test('health: one time-out makes suspect, a second that began after it dead, any answer healthy', t => {
  const health = new ConnectionHealth()
  t.is(health.onTimeout(100, 0), 'suspect')
  t.is(health.onTimeout(101, 50), undefined, 'was under way already')
  t.is(health.onTimeout(300, 100), 'dead')
  t.true(health.onAnswer(true))
  t.is(health.state, 'healthy')
  t.false(health.onReplaced(0), 'only suspects are replaced')
})

test('health: a connection that answered before may fail two requests in a row, one that never did none', t => {
  const proven = new ConnectionHealth()
  proven.onAnswer(true)
  t.deepEqual([proven.onError(1), proven.onError(2), proven.onError(3)], [false, false, true])
  const young = new ConnectionHealth()
  young.onAnswer(false)
  t.true(young.onError(1))
})

test('a deadline further away than a timer holds does not fire early', t => {
  const kernel = new Kernel()
  const deadlines = new Deadlines(new VirtualClock(kernel))
  let firedNs = 0
  const farMs = 3 * 2 ** 30
  deadlines.after(farMs, () => {
    firedNs = kernel.nowNs
  })
  kernel.run()
  t.is(firedNs, farMs * 1e6)
})

test('wrong options are refused with their path, and water marks follow the maximum', t => {
  t.like(t.throws(() => parsePoolOptions({ maxConnections: 0 })), { code: 'ERR_INVALID_OPTION', path: 'connectionPool.maxConnections' })
  t.like(t.throws(() => parsePoolOptions({ idleTimoutMs: 1 } as object)), { code: 'ERR_UNKNOWN_OPTION', path: 'connectionPool.idleTimoutMs' })
  t.like(t.throws(() => parsePoolOptions({ highWater: 5, lowWater: 6 })), { code: 'ERR_INVALID_OPTION', path: 'connectionPool.lowWater' })
  t.like(parsePoolOptions({ maxConnections: 100 }), { highWater: 80, lowWater: 60, idleTimeoutMs: 30_000 })
})
