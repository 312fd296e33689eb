import test from 'ava'
import { randomStream } from '../../../src/core/random.ts'
import { detectionBoundMs } from '../../../src/optim/health/liveness.ts'
import { NetworkHealth, TICK_MS } from '../../../src/optim/health/network-health.ts'
import { withNetwork } from './fake-network.ts'
import type { LivenessPolicy } from '../../../src/optim/health/liveness.ts'
import type { FakeNetwork } from './fake-network.ts'

const healthCheck = { probeAfterMs: 10_000, probeTimeoutMs: 10_000 }

/** Every peer answers a request a second, but for those named, which fail; for so many seconds. */
async function traffic (network: FakeNetwork, wait: (durationMs: number) => Promise<void>, seconds: number, failing: ReadonlySet<string> = new Set()): Promise<void> {
  for (let second = 0; second < seconds; second++) {
    const sentMs = network.nowMs
    const admitted = [...network.peers.keys()].filter(peer => network.health.admit(peer) !== 'ejected')
    await wait(1000)
    for (const peer of admitted) {
      network.attempt(peer, failing.has(peer) ? 'failed' : 'answered', sentMs)
    }
  }
}

// Liveness

test('a peer that is heard of is never probed', t => withNetwork({}, async (network, wait) => {
  const [peer] = network.add(1, true)
  for (let second = 0; second < 60; second++) {
    await wait(9000)
    network.life(peer)
  }
  t.is(network.health.metrics.probes, 0)
}))

test('any sign of life proves life: an answer, a round trip, a delivery, a byte', t => withNetwork({}, async (network, wait) => {
  const [peer] = network.add(1, true)
  for (let turn = 0; turn < 20; turn++) {
    await wait(9000)
    const { nowMs } = network
    switch (turn % 4) {
      case 0: network.attempt(peer, 'answered'); break
      case 1: network.health.observe({ kind: 'round-trip', peer, connection: 'c0', nowMs, rttMs: 50 }); break
      case 2: network.health.observe({ kind: 'delivery', peer, nowMs, bytes: 1000, overMs: 10 }); break
      default: network.life(peer)
    }
  }
  t.is(network.health.metrics.probes, 0)
}))

test('a silent peer is probed after 10 s, and its answer ends the silence', t => withNetwork({}, async (network, wait) => {
  const [peer] = network.add(1, true)
  await wait(9999)
  t.is(network.health.metrics.probes, 0)
  await wait(1001)
  t.is(network.health.metrics.probes, 1)
  t.deepEqual(network.states(peer), ['idle>alive:opened', 'alive>silent:silence', 'silent>alive:life'])
}))

test('silent death is found within the configured bound', async t => {
  for (const options of [healthCheck, { probeAfterMs: 2000, probeTimeoutMs: 1500 }, { probeAfterMs: 30_000, probeTimeoutMs: 60_000 }]) {
    await withNetwork(options, async (network, wait) => {
      const peers = network.add(1, true)
      // Last heard of at any time between two looks.
      for (let offsetMs = 0; offsetMs < 1000; offsetMs += 130) {
        const [peer] = network.add(1, true)
        peers.push(peer)
        await wait(130)
        network.life(peer)
      }
      network.cut(peers)
      await wait(detectionBoundMs(options, TICK_MS) + 2000)
      const deaths = network.ofType('health:state').filter(({ to }) => to === 'dead')
      t.is(new Set(deaths.map(({ peer }) => peer)).size, peers.length)
      for (const { silentMs } of deaths) {
        t.true(silentMs <= detectionBoundMs(options, TICK_MS), `${silentMs}`)
        t.true(silentMs >= options.probeAfterMs)
      }
    })
  }
})

test('the death of a peer that used to answer within 50 ms is found by suspicion, 3.6 s and a look after the probe', t => withNetwork({}, async (network, wait) => {
  const peers = network.add(1, true)
  // A hundred probes teach what is usual.
  await wait(1_200_000)
  network.cut(peers)
  await wait(20_000)
  const [death] = network.ofType('health:state').filter(({ to }) => to === 'dead')
  t.is(death.reason, 'suspicion')
  // Probed within 10 to 11 s; mean 50 ms + pause 3000 ms + 5.2 deviations of 100 ms, seen with the next look.
  t.true(death.silentMs > 10_000 + 3560 && death.silentMs <= 11_000 + 3580 + 1000, `${death.silentMs}`)
}))

test('bulk that delays pings never kills the connection', t => withNetwork({}, async (network, wait) => {
  const [peer] = network.add(1, true)
  network.peer(peer).probeMs = Infinity
  // Bytes keep coming now and then, with gaps that are worth a probe; the probe drowns in the queue.
  for (let turn = 0; turn < 100; turn++) {
    await wait(turn % 3 === 0 ? 12_000 : 900)
    network.life(peer)
  }
  t.true(network.health.metrics.probes > 10)
  t.is(network.health.metrics.deaths, 0)
  t.is(network.replacedMs.length, 0)
}))

test('the same bulk makes libp2p\'s monitor and three strikes kill it', async t => {
  for (const detector of ['ping', 'three-strikes'] as const) {
    await withNetwork({ detector }, async (network, wait) => {
      const [peer] = network.add(1, true)
      network.peer(peer).probeMs = Infinity
      for (let second = 0; second < 100; second++) {
        await wait(1000)
        network.life(peer)
      }
      t.true(network.health.metrics.deaths > 0)
      // What comes beside the pings saves nobody.
      t.true(network.replacedMs.length > 0)
      t.true(network.states(peer).every(state => state !== 'dead>alive:life'))
    })
  }
})

test('libp2p\'s monitor finds death after its ping\'s interval and timeout, three strikes after three of them', async t => {
  // Pings every 10 s, each given 5 s; the next is sent at its time.
  for (const [detector, boundMs] of [['ping', 15_000], ['three-strikes', 35_000]] as const) {
    await withNetwork({ detector }, async (network, wait) => {
      const [peer] = network.add(1, true)
      network.cut([peer])
      await wait(boundMs - 1)
      t.is(network.health.metrics.deaths, 0)
      await wait(1001)
      t.is(network.health.metrics.deaths, 1)
      t.deepEqual(network.states(peer), ['idle>alive:opened', 'alive>dead:probe-failed'])
    })
  }
})

test('a peer without ping is not unhealthy', t => withNetwork({}, async (network, wait) => {
  const [peer] = network.add(1, true)
  network.peer(peer).speaksPing = false
  await wait(600_000)
  t.is(network.health.metrics.deaths, 0)
  t.is(network.health.metrics.ejections, 0)
  t.true(network.health.quality(peer) >= 0.5)
  t.true(network.ofType('health:probe').some(({ reason }) => reason === 'unsupported'))
}))

test('a peer without a connection is left alone, unless an attempt ran out its time', t => withNetwork({}, async (network, wait) => {
  const [peer] = network.add(1, false)
  network.life(peer)
  await wait(60_000)
  t.is(network.health.metrics.probes, 0)
  network.attempt(peer, 'timeout', network.nowMs - 1000)
  await wait(12_000)
  t.is(network.health.metrics.probes, 1)
  t.is(network.health.metrics.monitored, 0)
}))

test('users may supply a detector of their own', t => {
  const impatient: LivenessPolicy = { judge: ({ silentMs }) => silentMs >= 3000 ? { action: 'dead', reason: 'unanswered' } : { action: 'wait' } }
  return withNetwork({ detector: impatient }, async (network, wait) => {
    const [peer] = network.add(1, true)
    await wait(4500)
    t.deepEqual(network.states(peer), ['idle>alive:opened', 'alive>dead:unanswered', 'dead>alive:opened'])
  })
})

// This node's own health

test('a 30 s local stall ejects nobody', t => withNetwork({}, async (network, wait) => {
  const peers = network.add(20, true)
  await traffic(network, wait, 30)
  const sentMs = network.nowMs
  network.stall(30_000)
  // Everything that was under way has run out its time, many times over, and the monitor has not looked yet.
  for (const peer of peers) {
    for (let attempt = 0; attempt < 20; attempt++) {
      network.attempt(peer, attempt % 2 === 0 ? 'timeout' : 'failed', sentMs)
    }
  }
  await traffic(network, wait, 60)
  const { ejections, deaths, localScore, stalledMs } = network.health.metrics
  t.deepEqual([ejections, deaths, localScore], [0, 0, 0])
  t.true(stalledMs > 29_000)
  t.true(peers.every(peer => network.health.admit(peer) === 'open'))
}))

test('a stall is seen in timeoutFactor, which decays', t => withNetwork({}, async (network, wait) => {
  network.add(1, true)
  await wait(1500)
  network.stall(30_000)
  await wait(1000)
  t.is(network.health.timeoutFactor, 8)
  await wait(15_000)
  t.is(network.health.timeoutFactor, 1)
  t.deepEqual(network.ofType('health:local').map(({ reason }) => reason), ['lag', ...Array.from({ length: 7 }, () => 'decay')])
}))

test('many peers failing at once freezes ejection', t => withNetwork({}, async (network, wait) => {
  const peers = network.add(20, true)
  await traffic(network, wait, 30)
  await traffic(network, wait, 30, new Set(peers.slice(0, 10)))
  t.is(network.health.metrics.ejections, 0)
  t.is(network.health.timeoutFactor, 3)
}))

test('what was sent while many failed is excused, though it fails when they no longer do', t => withNetwork({}, async (network, wait) => {
  const peers = network.add(20, true)
  await traffic(network, wait, 30)
  // This node's link stands still: a request to each peer every second, none answered, and all time out 10 s after they were sent.
  const sent: number[] = []
  for (let second = 0; second < 100; second++) {
    await wait(1000)
    sent.push(network.nowMs)
    // One in ten seconds counts, for those between were under way when it failed: of the last ones that of second 106, when the score has decayed.
    if (second >= 16) {
      peers.forEach(peer => network.attempt(peer, 'timeout', sent[second - 10]))
    }
  }
  // It is back: all but two peers answer again at once, and those two what is sent from now on. What was under way still fails.
  for (let second = 100; second < 110; second++) {
    await wait(1000)
    peers.slice(2).forEach(peer => network.attempt(peer, 'answered'))
    peers.slice(0, 2).forEach(peer => network.attempt(peer, 'timeout', sent[second - 10]))
  }
  t.is(network.health.metrics.ejections, 0)
  // A peer that fails by itself afterwards is found as ever.
  await traffic(network, wait, 30)
  await traffic(network, wait, 5, new Set(['p3']))
  t.is(network.health.admit('p3'), 'ejected')
}))

// Ejection

test('the peer that fails is ejected after five in a row, let in again by one probe, and nobody else is concerned', t => withNetwork({}, async (network, wait) => {
  const peers = network.add(10, true)
  await traffic(network, wait, 30)
  await traffic(network, wait, 5, new Set(['p3']))
  t.is(network.health.admit('p3'), 'ejected')
  t.true(peers.filter(peer => peer !== 'p3').every(peer => network.health.admit(peer) === 'open'))
  t.deepEqual(network.ofType('health:ejected').map(({ peer, reason, forMs, times }) => ({ peer, reason, forMs, times })), [{ peer: 'p3', reason: 'failures-in-row', forMs: 30_000, times: 1 }])
  await wait(30_000)
  t.deepEqual(Array.from({ length: 5 }, () => network.health.admit('p3')), ['probe', 'ejected', 'ejected', 'ejected', 'ejected'])
  network.attempt('p3', 'answered')
  t.is(network.health.admit('p3'), 'open')
  t.deepEqual(network.ofType('health:readmitted').map(({ peer, reason }) => ({ peer, reason })), [{ peer: 'p3', reason: 'probe-answered' }])
}))

test('a peer whose probe fails is ejected for longer each time: no flapping faster than the backoff', t => withNetwork({}, async (network, wait) => {
  network.add(10, true)
  await traffic(network, wait, 400, new Set(['p3']))
  const ejected = network.ofType('health:ejected')
  t.deepEqual(ejected.map(({ reason }) => reason), ['failures-in-row', ...Array.from({ length: ejected.length - 1 }, () => 'probe-failed')])
  t.true(ejected.length >= 4)
  for (const [index, { timeMs, forMs, times }] of ejected.entries()) {
    t.is(forMs, 30_000 * times)
    t.is(times, index + 1)
    t.true(index === 0 || timeMs - ejected[index - 1].timeMs >= ejected[index - 1].forMs)
  }
}))

test('an outlier among many is ejected by the sweep, though it never fails five times in a row', t => withNetwork({ outliers: { leastSuccessShare: 0 } }, async (network, wait) => {
  network.add(10, true)
  for (let turn = 0; turn < 60; turn++) {
    await wait(400)
    for (const peer of network.peers.keys()) {
      if (network.health.admit(peer) === 'open') {
        network.attempt(peer, peer === 'p7' && turn % 2 === 0 ? 'failed' : 'answered')
      }
    }
  }
  t.deepEqual(network.ofType('health:ejected').map(({ peer, reason }) => ({ peer, reason })), [{ peer: 'p7', reason: 'outlier' }])
}))

test('of fewer than five known peers nobody is ever ejected, and who is ejected is let in when so few are left', t => withNetwork({ forgetAfterMs: 300_000, outliers: { maximumEjectionMs: 300_000, baseEjectionMs: 300_000 } }, async (network, wait) => {
  network.add(4, true)
  await traffic(network, wait, 60, new Set(['p0']))
  t.is(network.health.metrics.ejections, 0)
  // A fifth that is only known, and is forgotten in time.
  network.add(1, false)
  network.life('p4')
  network.attempt('p0', 'failed')
  t.is(network.health.admit('p0'), 'ejected')
  await wait(299_000)
  t.is(network.health.admit('p0'), 'ejected')
  await wait(2000)
  t.is(network.health.admit('p0'), 'open')
  t.deepEqual(network.ofType('health:readmitted').map(({ reason }) => reason), ['cap'])
}))

test('overdue attempts are a suspicion that any sign of life refutes: only a peer that stays silent is ejected for them', t => withNetwork({}, async (network, wait) => {
  network.add(10, true)
  await traffic(network, wait, 30)
  // Slow, but alive: each attempt is overdue before anything comes, and then something does.
  for (let second = 0; second < 60; second++) {
    const sentMs = network.nowMs
    await wait(1000)
    network.attempt('p3', 'overdue', sentMs)
    network.life('p3')
  }
  // Something came since it was sent: not silent even then.
  for (let second = 0; second < 60; second++) {
    const sentMs = network.nowMs
    await wait(500)
    network.life('p3')
    await wait(500)
    network.attempt('p3', 'overdue', sentMs)
  }
  t.is(network.health.metrics.ejections, 0)
  for (let failure = 1; failure <= 5; failure++) {
    const sentMs = network.nowMs
    await wait(1000)
    t.is(network.health.admit('p3'), 'open')
    network.attempt('p3', 'overdue', sentMs)
  }
  t.is(network.health.admit('p3'), 'ejected')
}))

test('a peer that gives signs of life and answers nothing by the deadline fails', t => withNetwork({}, async (network, wait) => {
  network.add(10, true)
  await traffic(network, wait, 30)
  for (let failure = 1; failure <= 5; failure++) {
    t.is(network.health.admit('p3'), 'open')
    const sentMs = network.nowMs
    await wait(1000)
    network.attempt('p3', 'overdue', sentMs)
    network.life('p3')
    await wait(1000)
    network.attempt('p3', 'timeout', sentMs)
  }
  t.is(network.health.admit('p3'), 'ejected')
}))

test('an overdue probe decides nothing: its retry lets the peer in, its deadline ejects it anew', t => withNetwork({}, async (network, wait) => {
  network.add(10, true)
  await traffic(network, wait, 30)
  await traffic(network, wait, 5, new Set(['p3']))
  await wait(30_000)
  t.is(network.health.admit('p3'), 'probe')
  const sentMs = network.nowMs
  await wait(500)
  network.attempt('p3', 'overdue', sentMs)
  t.is(network.health.admit('p3'), 'ejected')
  network.attempt('p3', 'answered', sentMs + 100)
  t.is(network.health.admit('p3'), 'open')
  await traffic(network, wait, 5, new Set(['p3']))
  await wait(60_000)
  t.is(network.health.admit('p3'), 'probe')
  network.attempt('p3', 'timeout')
  t.deepEqual(network.ofType('health:ejected').map(({ reason }) => reason), ['failures-in-row', 'failures-in-row', 'probe-failed'])
}))

test('a share of failures that all peers have alike ejects none, and the one that has more is ejected', t => withNetwork({ outliers: { sweepMs: 1e9, failuresInRow: 1000 } }, async (network, wait) => {
  const peers = network.add(10, true)
  // Each fails one attempt of four, at different times: less than 0.8, and no less than the others.
  for (let turn = 0; turn < 100; turn++) {
    await wait(400)
    peers.forEach((peer, index) => network.attempt(peer, (turn + index) % 4 === 0 ? 'failed' : 'answered'))
  }
  t.is(network.health.metrics.ejections, 0)
  // One of two is 2/3 of the others' 3/4, below 0.8 of it.
  for (let turn = 0; turn < 100; turn++) {
    await wait(400)
    peers.forEach((peer, index) => network.attempt(peer, (turn + index) % (peer === 'p3' ? 2 : 4) === 0 ? 'failed' : 'answered'))
  }
  t.deepEqual(network.ofType('health:ejected').map(({ peer, reason }) => `${peer}:${reason}`), ['p3:success-share'])
}))

test('with ejection off the monitor reports and refuses nobody', t => withNetwork({ outliers: false }, async (network, wait) => {
  network.add(10, true)
  await traffic(network, wait, 60, new Set(['p3']))
  t.is(network.health.admit('p3'), 'open')
  t.is(network.health.metrics.ejections, 0)
  t.true(network.health.quality('p3') < 0.1)
  t.true(network.health.quality('p4') > 0.9)
}))

// Recovery

test('the connection of a dead peer is replaced, and it lives again', t => withNetwork({}, async (network, wait) => {
  const [peer] = network.add(1, true)
  network.peer(peer).probeMs = Infinity
  await wait(20_000)
  t.is(network.replacedMs.length, 1)
  t.deepEqual(network.states(peer), ['idle>alive:opened', 'alive>silent:silence', 'silent>dead:suspicion', 'dead>alive:opened'])
  t.deepEqual(network.ofType('health:recovery').map(({ phase, reason }) => `${phase}:${reason}`), ['started:dead', 'done:connected'])
}))

test('after a partition heals the redial rate stays within its limit, and all peers are back', t => withNetwork({}, async (network, wait) => {
  const peers = network.add(100, true)
  await wait(5000)
  network.cut(peers)
  await wait(120_000)
  network.heal(peers)
  await wait(600_000)
  t.is(network.health.metrics.dead, 0)
  const { replacedMs } = network
  for (const [first, fromMs] of replacedMs.entries()) {
    for (const [further, toMs] of replacedMs.slice(first).entries()) {
      t.true(further + 1 <= 5 + 2 * (toMs - fromMs) / 1000 + 1e-9)
    }
  }
  const partitions = network.ofType('health:condition').filter(({ condition }) => condition === 'partition')
  t.deepEqual(partitions.map(({ phase }) => phase), ['entered', 'left'])
}))

test('a peer that is gone is given up after six tries', t => withNetwork({}, async (network, wait) => {
  const [peer] = network.add(1, false)
  const connection = network.open(peer)
  network.cut([peer])
  await wait(20_000)
  network.close(peer, connection)
  await wait(550_000)
  t.is(network.replacedMs.length, 6)
  t.deepEqual(network.states(peer).slice(-2), ['silent>dead:suspicion', 'dead>idle:given-up'])
}))

// Conditions

test('a partition is found when half of the peers fall silent at once, and left when they are back', t => withNetwork({}, async (network, wait) => {
  const peers = network.add(8, true)
  // They were all heard of until the cut.
  for (let second = 0; second < 60; second++) {
    await wait(1000)
    peers.forEach(peer => network.life(peer))
  }
  const cutMs = network.nowMs
  network.cut(peers.slice(0, 4))
  await wait(30_000)
  const [entered] = network.ofType('health:condition')
  t.deepEqual([entered.peer, entered.condition, entered.phase, entered.reason], ['', 'partition', 'entered', 'share'])
  // What is reported as the delay is what passed since the cut.
  t.is(entered.timeMs - entered.detectionDelayMs, cutMs)
  t.true(entered.detectionDelayMs <= detectionBoundMs(healthCheck, TICK_MS))
  t.deepEqual(network.health.conditions.map(({ condition }) => condition), ['partition'])
  network.heal(peers)
  await wait(300_000)
  t.deepEqual(network.ofType('health:condition').map(({ phase }) => phase), ['entered', 'left'])
  t.deepEqual(network.health.conditions, [])
}))

test('loss, delay and a fallen rate are found of a peer, of the node where half of its peers have them', t => withNetwork({ outliers: false }, async (network, wait) => {
  const peers = network.add(4, true)
  const sample = (rttMs: number, bytes: number, lost: boolean, concerned: readonly string[]): void => {
    const { nowMs } = network
    for (const peer of peers) {
      const bad = concerned.includes(peer)
      network.health.observe({ kind: 'round-trip', peer, connection: 'c', nowMs, rttMs: bad ? rttMs : 50 })
      network.health.observe({ kind: 'delivery', peer, nowMs, bytes: bad ? bytes : 1e6, overMs: 100 })
      network.attempt(peer, bad && lost ? 'failed' : 'answered')
    }
  }
  for (let second = 0; second < 60; second++) {
    await wait(1000)
    sample(50, 1e6, false, [])
  }
  t.deepEqual(network.health.conditions, [])
  for (let second = 0; second < 20; second++) {
    await wait(1000)
    sample(150, 2e5, true, ['p1'])
  }
  t.deepEqual(network.health.conditions.map(({ peer, condition }) => `${peer}:${condition}`), ['p1:loss', 'p1:delay', 'p1:bandwidth'])
  for (let second = 0; second < 20; second++) {
    await wait(1000)
    sample(150, 2e5, true, ['p1', 'p2'])
  }
  t.deepEqual(network.health.conditions.slice(0, 3).map(({ peer, condition }) => `${peer}:${condition}`), [':loss', ':delay', ':bandwidth'])
  const found = network.ofType('health:condition')
  t.true(found.every(({ detectionDelayMs }) => detectionDelayMs <= 5000))
  for (let second = 0; second < 60; second++) {
    await wait(1000)
    sample(50, 1e6, false, [])
  }
  t.deepEqual(network.health.conditions, [])
}))

// The whole

test('each transition has one reason', t => withNetwork({}, async (network, wait) => {
  const peers = network.add(12, true)
  await traffic(network, wait, 30, new Set(['p1']))
  network.cut(peers.slice(0, 8))
  await wait(60_000)
  network.stall(5000)
  network.heal(peers)
  await traffic(network, wait, 60)
  t.true(new Set(network.events.map(({ type }) => type)).size === 7)
  for (const event of network.events) {
    t.is(typeof event.reason, 'string')
    t.not(event.reason, '')
    t.true(event.type !== 'health:state' || event.from !== event.to)
  }
}))

test('no deadline while no peer is known, at most one afterwards, and none when all are forgotten', t => withNetwork({}, async (network, wait) => {
  t.is(network.deadlines.size, 0)
  const peers = network.add(3, false)
  const connections = peers.map(peer => network.open(peer))
  t.is(network.deadlines.size, 1)
  await wait(5000)
  t.is(network.deadlines.size, 1)
  peers.forEach((peer, index) => network.close(peer, connections[index]))
  await wait(601_000)
  t.is(network.health.metrics.peers, 0)
  t.is(network.deadlines.size, 0)
  network.life(peers[0])
  t.is(network.deadlines.size, 1)
}))

test('after stop nothing is left: probes and replacements are aborted, and nobody is refused', t => withNetwork({}, async (network, wait) => {
  const peers = network.add(10, true)
  await traffic(network, wait, 20, new Set(['p0']))
  t.is(network.health.admit('p0'), 'ejected')
  network.cut(peers)
  await wait(11_000)
  network.health.stop()
  network.health.stop()
  const { length } = network.events
  t.is(network.deadlines.size, 0)
  t.is(network.health.admit('p0'), 'open')
  network.life('p1')
  t.is(network.health.metrics.peers, 0)
  await wait(60_000)
  t.is(network.events.length, length)
}))

test('quality is told of a peer and of each of its connections, and is 0.5 of whom nothing is known', t => withNetwork({}, async (network, wait) => {
  const [peer] = network.add(1, false)
  const good = network.open(peer)
  const bad = network.open(peer)
  for (let second = 0; second < 20; second++) {
    await wait(1000)
    const { nowMs } = network
    network.health.observe({ kind: 'attempt', peer, connection: good, outcome: 'answered', sentMs: nowMs, nowMs, reason: '' })
    network.health.observe({ kind: 'attempt', peer, connection: bad, outcome: 'failed', sentMs: nowMs, nowMs, reason: 'ERR_TEST' })
  }
  const [better, worse] = [network.health.quality(peer, good), network.health.quality(peer, bad)]
  t.true(better > 0.9 && worse < 0.1 && network.health.quality(peer) > worse && network.health.quality(peer) < better)
  t.is(network.health.quality('nobody'), 0.5)
  t.is(network.health.quality(peer, 'none'), 0.5)
}))

test('what only use makes worth knowing is let go of when a connected peer was not used for long', t => withNetwork({}, async (network, wait) => {
  const [peer] = network.add(1, false)
  const connection = network.open(peer)
  const { nowMs } = network
  network.health.observe({ kind: 'attempt', peer, connection, outcome: 'failed', sentMs: nowMs, nowMs, reason: 'ERR_TEST' })
  await wait(599_000)
  t.not(network.health.quality(peer, connection), 0.5)
  await wait(2000)
  t.is(network.health.quality(peer, connection), 0.5)
  // Its silence is followed all the same.
  network.cut([peer])
  await wait(25_000)
  t.is(network.health.metrics.deaths, 1)
}))

test('options are checked, with their path', t => withNetwork({}, async network => {
  const { clock, deadlines } = network
  const components = { clock, deadlines, random: randomStream(1), host: 'node', actions: network }
  t.throws(() => new NetworkHealth(components, { probeAfterMs: 0 }), { message: /networkHealth\.probeAfterMs/ })
  t.throws(() => new NetworkHealth(components, { outliers: { sweep: 1 } as object }), { message: /networkHealth\.outliers\.sweep/ })
}))

test('a flood of strangers lets no ejected peer in', t => withNetwork({ maximumPeers: 20 }, async (network, wait) => {
  network.add(10, false)
  await traffic(network, wait, 30, new Set(['p3']))
  t.is(network.health.admit('p3'), 'ejected')
  for (let peer = 0; peer < 1000; peer++) {
    network.life(`stranger${peer}`)
  }
  t.is(network.health.admit('p3'), 'ejected')
}))

test('no more peers are remembered than the limit, and those with a connection are the last to be forgotten', t => withNetwork({ maximumPeers: 100 }, async network => {
  const peers = network.add(50, true)
  const connected = network.health.metrics.monitored
  for (let peer = 0; peer < 1000; peer++) {
    network.life(`stranger${peer}`)
  }
  t.is(network.health.metrics.peers, 100)
  t.is(network.health.metrics.monitored, connected)
  t.is(peers.length, connected)
}))
