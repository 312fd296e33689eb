import test from 'ava'
import * as fc from 'fast-check'
import { randomStream } from '../../../src/core/random.ts'
import { NS_PER_MS, NS_PER_S } from '../../../src/core/units.ts'
import type { FluidFlow } from '../../../src/sim/fluid/fluid-flow.ts'
import { FluidNetwork } from '../../../src/sim/fluid/fluid-network.ts'
import type { FlowOptions, FluidOptions } from '../../../src/sim/fluid/fluid-network.ts'
import { layOut, randomRegularGraph } from '../../../src/sim/graph.ts'
import { Kernel } from '../../../src/sim/kernel.ts'
import type { LinkOptions } from '../../../src/sim/network.ts'
import { dumbbell, parkingLot } from '../../../src/sim/topology.ts'

const MSS = 1448
const PACKET_BITS = 1500 * 8
const ACK_BITS = 52 * 8
const SYN_BITS = 60 * 8
const GIGABIT = 1e9

function newNetwork (options: FluidOptions = {}, seed = 'test'): FluidNetwork {
  return new FluidNetwork(new Kernel(), randomStream(seed), options)
}

/** Two nodes, joined both ways. */
function pathOf (network: FluidNetwork, forward: LinkOptions, backward: LinkOptions = forward): Pick<FlowOptions, 'from' | 'to'> {
  const [from, to] = [network.addNode({ forwards: false }), network.addNode({ forwards: false })]
  network.addLink(from, to, forward)
  network.addLink(to, from, backward)
  return { from, to }
}

/** When the last byte arrives. */
function endNs (network: FluidNetwork, options: FlowOptions): number {
  let endedNs = NaN
  network.startFlow({ ...options, onEnd: () => { endedNs = network.kernel.nowNs } })
  network.kernel.run()
  network.checkConservation()
  return endedNs
}

for (const [segments, rounds] of [[1, 1], [10, 1], [11, 2], [30, 2], [31, 3], [100, 4], [1000, 7]]) {
  test(`without loss and with rate to spare ${segments} segments take ${rounds} rounds`, t => {
    const network = newNetwork({ tcp: { congestion: 'reno' } })
    const ends = pathOf(network, { delayNs: 50 * NS_PER_MS })
    // A round trip to connect, one for each round but the last, which is half of one.
    t.is(endNs(network, { ...ends, bytes: segments * MSS }), (1 + rounds - 1 + 0.5) * 100 * NS_PER_MS)
  })
}

test('alone on an idle link a transfer takes connect, its rounds, and the rest at the rate of the link', t => {
  fc.assert(fc.property(fc.integer({ min: 1, max: 1000 }), fc.integer({ min: 1, max: 200 }), fc.integer({ min: 1, max: 20_000 }), (mbits, delayMs, segments) => {
    const rate = mbits * 1e6
    const network = newNetwork({ tcp: { congestion: 'cubic', receiveBufferBytes: 2 ** 30, sendBufferBytes: 2 ** 30 } })
    const ends = pathOf(network, { rateBitsPerSecond: rate, delayNs: delayMs * NS_PER_MS, queue: { limitPackets: 1e5 } })
    const foundS = endNs(network, { ...ends, bytes: segments * MSS }) / NS_PER_S
    const rttS = 2 * delayMs / 1e3 + (PACKET_BITS + ACK_BITS) / rate
    let startS = 2 * delayMs / 1e3 + 2 * SYN_BITS / rate
    let [window, sent] = [10, 0]
    // Rounds whose window is sent within a round trip; the one that is not fills the link from then on.
    while (sent + window < segments && window * PACKET_BITS / rate < rttS) {
      sent += window
      window *= 2
      startS += rttS
    }
    const expectedS = startS + (segments - sent) * PACKET_BITS / rate + delayMs / 1e3
    // Each round begins and ends at a whole nanosecond.
    t.true(Math.abs(foundS - expectedS) < 40 / NS_PER_S, `${foundS} ${expectedS}`)
  }), { numRuns: 200 })
})

test('slow start that only a loss ends costs a round trip, where a transfer ends between the first loss and its discovery', t => {
  // Where acknowledgements take no time to send: a pipe of 100 segments. Windows of 10, 20, 40, 80 and 160 are acknowledged;
  // a buffer of 60 overflows while 80 are, at 60 + 80, and one of 200 while more than a pipe is, at 100 + 200.
  const rate = 12e6
  const rttMs = 100
  const oneWay = { rateBitsPerSecond: rate, delayNs: (rttMs / 2 - PACKET_BITS / rate * 1e3 / 2) * NS_PER_MS }
  const timeS = (hystart: 'off' | 'classic', limitPackets: number, segments: number): number => {
    const network = newNetwork({ tcp: { congestion: 'cubic', hystart, receiveBufferBytes: 2 ** 30, sendBufferBytes: 2 ** 30 } })
    const ends = pathOf(network, { ...oneWay, queue: { limitPackets } }, { delayNs: oneWay.delayNs })
    return endNs(network, { ...ends, bytes: segments * MSS }) / NS_PER_S
  }
  for (const [buffer, window] of [[60, 140], [200, 300]]) {
    const firstLoss = 2 * window - 10
    const seen = firstLoss + 2 * window
    for (const [segments, repairs] of [[firstLoss, 0], [firstLoss + 1, 1], [seen, 1], [seen + 1, 0]]) {
      const extraS = timeS('off', buffer, segments) - timeS('classic', buffer, segments)
      t.true(Math.abs(extraS - repairs * rttMs / 1e3) < 1e-6, `${buffer} ${segments}: ${extraS}`)
    }
  }
})

test('two equal flows share a link equally, and one that is left alone takes all of it', t => {
  const network = newNetwork()
  const ends = pathOf(network, { rateBitsPerSecond: 10e6, delayNs: 10 * NS_PER_MS, queue: { limitPackets: 50 } })
  const short = network.startFlow({ ...ends, bytes: 1e6 })
  const long = network.startFlow({ ...ends, bytes: 1e9 })
  network.kernel.run(1 * NS_PER_S)
  t.is(short.rateBitsPerSecond, 5e6)
  t.is(long.rateBitsPerSecond, 5e6)
  network.kernel.run(3 * NS_PER_S)
  t.is(short.state, 'ended')
  t.is(long.rateBitsPerSecond, 10e6)
  network.checkConservation()
})

test('in a parking lot of four links with a long flow and a flow a link each gets half of a link, apart from what their round trips do', t => {
  const network = newNetwork({ tcp: { congestion: 'bbr' } })
  const access = { forward: { rateBitsPerSecond: GIGABIT, delayNs: 0 } }
  const { source, sink, crossSources, crossSinks } = parkingLot(network, { hops: 4, access, hop: { forward: { rateBitsPerSecond: 10e6, delayNs: 5 * NS_PER_MS, queue: { limitPackets: 100 } } } })
  const flows = [network.startFlow({ from: source, to: sink, bytes: 1e9 }), ...crossSources.map((from, index) => network.startFlow({ from, to: crossSinks[index], bytes: 1e9 }))]
  network.kernel.run(20 * NS_PER_S)
  for (const { rateBitsPerSecond } of flows) {
    t.true(Math.abs(rateBitsPerSecond - 5e6) < 1)
  }
})

test('Reno flows share a full link inversely to their round trips, the queue included', t => {
  const network = newNetwork({ tcp: { congestion: 'reno' } })
  const router = network.addNode()
  const to = network.addNode({ forwards: false })
  network.addLink(router, to, { rateBitsPerSecond: 20e6, delayNs: 0, queue: { limitPackets: 40 } })
  network.addLink(to, router, { rateBitsPerSecond: 20e6, delayNs: 0 })
  const flows = [10, 90].map(delayMs => {
    const from = network.addNode({ forwards: false })
    network.addLink(from, router, { delayNs: delayMs * NS_PER_MS })
    network.addLink(router, from, { delayNs: delayMs * NS_PER_MS })
    return network.startFlow({ from, to, bytes: 1e9 })
  })
  network.kernel.run(60 * NS_PER_S)
  const [near, far] = flows.map(flow => (flow.path.rttNs + network.queueDelayNs(flow)) / NS_PER_MS)
  t.true(near > 21 && far > 181 && Math.abs(far - near - 160) < 1e-6)
  t.true(Math.abs(flows[0].rateBitsPerSecond / flows[1].rateBitsPerSecond - far / near) < 1e-9)
  t.true(Math.abs(flows[0].rateBitsPerSecond + flows[1].rateBitsPerSecond - 20e6) < 1)
})

test("a flow's rate is no more than its receive buffer a round trip, and random losses let it have", t => {
  const wide = { rateBitsPerSecond: GIGABIT, delayNs: 50 * NS_PER_MS, queue: { limitPackets: 1e5 } }
  const rttS = 0.1 + (PACKET_BITS + ACK_BITS) / GIGABIT
  const held = newNetwork({ tcp: { receiveBufferBytes: 100 * MSS } })
  const flow = held.startFlow({ ...pathOf(held, wide), bytes: 1e9 })
  held.kernel.run(10 * NS_PER_S)
  t.true(Math.abs(flow.rateBitsPerSecond - 100 * PACKET_BITS / rttS) < 1)
  const lossy = newNetwork({ tcp: { congestion: 'reno' } })
  const other = lossy.startFlow({ ...pathOf(lossy, { ...wide, loss: { model: 'bernoulli', probability: 0.01 } }, wide), bytes: 1e9 })
  lossy.kernel.run(10 * NS_PER_S)
  t.true(Math.abs(other.rateBitsPerSecond - Math.sqrt(150) * PACKET_BITS / rttS) < 1)
})

test('a lost SYN costs a second each time, and a server that never answers fails the flow', t => {
  const network = newNetwork()
  const ends = pathOf(network, { delayNs: 10 * NS_PER_MS, loss: { model: 'bernoulli', probability: 0.9 } })
  let failed = 0
  const flows = Array.from({ length: 200 }, () => network.startFlow({ ...ends, bytes: 1, onFailed: () => { failed++ } }))
  network.kernel.run()
  // SYN and SYN-ACK both arrive with probability 0.01; seven attempts: 0.99^7 = 0.932 fail, +- 3.3 standard deviations.
  t.true(Math.abs(failed - 200 * 0.932) < 3.3 * Math.sqrt(200 * 0.932 * 0.068), String(failed))
  for (const { state, connectedNs } of flows) {
    t.true(state === 'failed' ? connectedNs === -1 : (connectedNs - 20 * NS_PER_MS) % NS_PER_S === 0)
  }
  network.checkConservation()
  t.is(network.counters.failedBytes, failed)
})

interface Outcome {
  readonly ends: readonly number[]
  readonly digest: string
}

/** Random finite flows over a random graph, with conservation checked on the way. */
function randomRun (seed: string, settleNs = 0): Outcome {
  const random = randomStream(seed)
  const network = newNetwork({ settleNs }, seed)
  const nodes = layOut(network, randomRegularGraph({ nodes: 20, degree: 3 }, random), {
    link: { forward: { rateBitsPerSecond: 10e6, delayNs: 10 * NS_PER_MS, queue: { limitPackets: 30 }, loss: { model: 'bernoulli', probability: 0.002 } } }
  })
  const { kernel } = network
  const ends: number[] = []
  const start = kernel.define(index => {
    const from = random.integer(nodes.length)
    network.startFlow({
      from: nodes[from],
      to: nodes[(from + 1 + random.integer(nodes.length - 1)) % nodes.length],
      bytes: 1 + random.integer(1e6),
      congestion: index % 2 === 0 ? 'reno' : 'cubic',
      onEnd: () => { ends.push(kernel.nowNs) }
    })
  }, 'event')
  for (let index = 0; index < 60; index++) {
    kernel.schedule(random.integer(3e9), start, index)
  }
  for (let step = 1; step <= 40; step++) {
    kernel.run(step * 100 * NS_PER_MS)
    network.checkConservation()
  }
  kernel.run()
  network.checkConservation()
  return { ends, digest: kernel.digest() }
}

test('bytes are kept and no link carries too much at any time, and all that is offered arrives', t => {
  fc.assert(fc.property(fc.integer({ min: 0, max: 1e6 }), fc.constantFrom(0, NS_PER_MS), (seed, settleNs) => {
    t.is(randomRun(`conservation ${seed}`, settleNs).ends.length, 60)
  }), { numRuns: 10 })
})

test('the same seed gives the same run, event by event, another one another', t => {
  t.deepEqual(randomRun('a'), randomRun('a'))
  t.not(randomRun('a').digest, randomRun('b').digest)
})

test('many flows that begin at one instant are shared out once', t => {
  const network = newNetwork()
  const { senders, receivers } = dumbbell(network, {
    pairs: 100, access: { forward: { rateBitsPerSecond: GIGABIT, delayNs: 1 } }, bottleneck: { forward: { rateBitsPerSecond: 1e9, delayNs: NS_PER_MS, queue: { limitPackets: 100 } } }
  })
  senders.forEach((from, index) => network.startFlow({ from, to: receivers[index], bytes: MSS }))
  network.kernel.run()
  // A flow connects and arrives: two events each. Its one round begins at once, ends with all others', and is shared out at both.
  t.is(network.kernel.dispatched, 2 * 100 + 3)
})

const refused = test.macro((t, run: (network: FluidNetwork) => void, expected: { readonly code: string, readonly message: RegExp }) => {
  t.throws(() => run(newNetwork()), expected)
})
const delayNs = NS_PER_MS
const linked = (network: FluidNetwork, options: LinkOptions): void => { pathOf(network, options) }
const flowing = (network: FluidNetwork, options: Partial<FlowOptions>, forward: LinkOptions = { delayNs }): FluidFlow => network.startFlow({ ...pathOf(network, forward), bytes: 1, ...options })

test('a trace is refused', refused, network => linked(network, { delayNs, trace: { opportunitiesMs: Uint32Array.of(1) } }), { code: 'ERR_UNSUPPORTED', message: /at link:0-1.trace/ })
test('a policer is refused', refused, network => linked(network, { delayNs, policer: { rateBitsPerSecond: 1, burstBytes: 1 } }), { code: 'ERR_UNSUPPORTED', message: /policer/ })
test('active queue management is refused', refused, network => linked(network, { delayNs, queue: { discipline: 'codel' } }), { code: 'ERR_UNSUPPORTED', message: /expected a drop-tail limit; found codel/ })
test('scripted losses are refused', refused, network => linked(network, { delayNs, loss: { model: 'scripted', packets: [3] } }), { code: 'ERR_UNSUPPORTED', message: /link:0-1.loss/ })
test('no rate is refused', refused, network => linked(network, { delayNs, rateBitsPerSecond: 0 }), { code: 'ERR_INVALID_OPTION', message: /rateBitsPerSecond/ })
test('a link of one node is refused', refused, network => network.addLink(network.addNode(), 0, { delayNs }), { code: 'ERR_INVALID_OPTION', message: /two nodes/ })
test('a second link is refused', refused, network => { const { from, to } = pathOf(network, { delayNs }); network.addLink(from, to, { delayNs }) }, { code: 'ERR_INVALID_OPTION', message: /already/ })
test('a node that there is not is refused', refused, network => network.addLink(network.addNode(), 7, { delayNs }), { code: 'ERR_INVALID_OPTION', message: /no such node/ })
test('a flow to a node out of reach is refused', refused, network => network.startFlow({ from: network.addNode(), to: network.addNode(), bytes: 1 }), { code: 'ERR_INVALID_OPTION', message: /no way/ })
test('a flow to its own node is refused', refused, network => flowing(network, { to: 0 }), { code: 'ERR_INVALID_OPTION', message: /no way/ })
for (const bytes of [0, -1, NaN, Infinity]) {
  test(`a flow of ${bytes} bytes is refused`, refused, network => flowing(network, { bytes }), { code: 'ERR_INVALID_OPTION', message: /at bytes/ })
}
test('BBR at 20% loss is refused', refused, network => flowing(network, { congestion: 'bbr' }, { delayNs, loss: { model: 'bernoulli', probability: 0.2 } }), { code: 'ERR_UNSUPPORTED', message: /no formula for BBR/ })
test('BBR next to CUBIC is refused', refused, network => { flowing(network, { congestion: 'cubic' }); network.startFlow({ from: 0, to: 1, bytes: 1, congestion: 'bbr' }) }, { code: 'ERR_UNSUPPORTED', message: /expected reno or cubic; found bbr/ })
test('a time to settle that is none is refused', refused, () => newNetwork({ settleNs: 0.5 }), { code: 'ERR_INVALID_OPTION', message: /settleNs/ })
