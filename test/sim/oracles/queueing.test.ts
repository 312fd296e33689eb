import test from 'ava'
import { randomStream } from '../../../src/core/random.ts'
import type { LinkOptions } from '../../../src/sim/link.ts'
import { at, OneLink } from '../packet-tools.ts'
import { expectTheory, packetsFor, packetsForDrops, replicate, runQueue, SECOND_MOMENT, SERVICE_NS } from './queue-run.ts'
import type { QueueRun } from './queue-run.ts'

// All in units of the mean service time 1 / mu, with load r = lambda / mu: theory has mu = 1 and lambda = r.

const RULE = 'within the 99.9% interval of 20 replications and 3%'

function average (values: ArrayLike<number>): number {
  let sum = 0
  for (let i = 0; i < values.length; i++) {
    sum += values[i]
  }
  return sum / values.length
}

function meanWait (run: QueueRun): number {
  return average(run.waits)
}

for (const load of [0.5, 0.8]) {
  test(`M/M/1: the mean wait at load ${load} is r / (mu - lambda), ${RULE}`, t => {
    const packets = packetsFor(load, SECOND_MOMENT.exponential)
    expectTheory(t, replicate(`M/M/1 ${load}`, { load, sizes: 'exponential', packets }, meanWait), load / (1 - load))
  })

  test(`M/D/1: the mean wait at load ${load} is r / (2 mu (1 - r)), ${RULE}`, t => {
    const packets = packetsFor(load, SECOND_MOMENT.constant)
    expectTheory(t, replicate(`M/D/1 ${load}`, { load, sizes: 'constant', packets }, meanWait), load / (2 * (1 - load)))
  })

  for (const sizes of ['bimodal', 'uniform'] as const) {
    test(`M/G/1, ${sizes}: the mean wait at load ${load} is lambda E[S^2] / (2 (1 - r)), ${RULE}`, t => {
      const packets = packetsFor(load, SECOND_MOMENT[sizes])
      expectTheory(t, replicate(`M/G/1 ${sizes} ${load}`, { load, sizes, packets }, meanWait), load * SECOND_MOMENT[sizes] / (2 * (1 - load)))
    })
  }
}

// With an interval of 3% to either side it would take 1.4 million packets a replication, more than all the others together.
test('M/M/1: the mean wait at load 0.95 is r / (mu - lambda), within the 99.9% interval of 20 replications and 5%', t => {
  const packets = packetsFor(0.95, SECOND_MOMENT.exponential, 0.05)
  expectTheory(t, replicate('M/M/1 0.95', { load: 0.95, sizes: 'exponential', packets }, meanWait), 0.95 / 0.05, '', 0.05)
})

test(`M/M/1: what is in the system is L = r / (1 - r) in the mean and n with (1 - r) r^n, ${RULE}`, t => {
  const load = 0.5
  const packets = packetsFor(load, SECOND_MOMENT.exponential)
  const runs = replicate('M/M/1 L', { load, sizes: 'exponential', packets }, ({ found }) => ({
    mean: average(found), shares: [0, 1, 2, 3].map(n => found.filter(inside => inside === n).length / packets)
  }))
  expectTheory(t, runs.map(({ mean }) => mean), load / (1 - load), 'L')
  for (const n of [0, 1, 2, 3]) {
    expectTheory(t, runs.map(({ shares }) => shares[n]), (1 - load) * load ** n, `P(${n})`)
  }
})

test(`M/M/1: sojourns are exponential with mean 1 / (mu - lambda), ${RULE}`, t => {
  const load = 0.5
  const marks = [0.5, 1, 2, 4]
  const runs = replicate('M/M/1 sojourns', { load, sizes: 'exponential', packets: packetsFor(load, SECOND_MOMENT.exponential) }, ({ sojourns }) => ({
    mean: average(sojourns), shares: marks.map(mark => sojourns.filter(sojourn => sojourn > mark).length / sojourns.length)
  }))
  expectTheory(t, runs.map(({ mean }) => mean), 1 / (1 - load), 'the mean')
  marks.forEach((mark, i) => expectTheory(t, runs.map(({ shares }) => shares[i]), Math.exp(-(1 - load) * mark), `P(above ${mark})`))
})

for (const [load, published] of [[0.8, '0.02349'], [1, '0.09091']] as const) {
  test(`M/M/1/K: a system that holds K = 10 drops (1 - r) r^K / (1 - r^(K + 1)), ${published} at load ${load}, ${RULE}`, t => {
    const places = 10
    const theory = load === 1 ? 1 / (places + 1) : (1 - load) * load ** places / (1 - load ** (places + 1))
    t.is(theory.toFixed(5), published)
    // One is in service, the others wait.
    const link = { queue: { limitPackets: places - 1 } }
    expectTheory(t, replicate(`M/M/1/K ${load}`, { load, sizes: 'exponential', packets: packetsForDrops(load, places), link }, ({ dropShare }) => dropShare), theory)
  })
}

const disciplines: Record<string, Partial<LinkOptions>> = {
  'without a limit': {},
  'drop-tail': { queue: { limitPackets: 9 } },
  'RED': { queue: { discipline: 'red' } },
  // With a target that nothing reaches: what CoDel drops has been inside for a time that nobody sees.
  'flow queues': { queue: { discipline: 'fq-codel', targetNs: 1e12 } },
  'a trace': { trace: { opportunitiesMs: Uint32Array.of(1, 1, 3, 8, 9, 10) } },
  'jitter that reorders': { jitter: { distribution: 'uniform', boundNs: 50 * SERVICE_NS }, reorder: true }
}

for (const [what, options] of Object.entries(disciplines)) {
  test(`Little's law, L = lambda W, holds to the grain of looking: ${what}`, t => {
    const { rateBitsPerSecond = 8e6, ...link } = options
    const one = new OneLink({ ...(link.trace === undefined ? { rateBitsPerSecond } : {}), delayNs: 0, ...link }, what)
    const random = randomStream(what)
    const sentNs: number[] = []
    for (let atNs = 0; sentNs.length < 20_000; atNs += Math.round(random.exponential(1.1 * SERVICE_NS))) {
      const connection = sentNs.push(atNs) % 5
      at(one.network, atNs, () => one.send(1000, connection))
    }
    // Those inside at a look are those whose sojourns cover it: a sojourn of s is seen floor(s / grain) times, or once more.
    const grainNs = SERVICE_NS / 50
    let [looks, inside] = [0, 0]
    while (one.network.kernel.pending > 0) {
      one.network.kernel.run(one.network.kernel.nowNs + grainNs)
      looks++
      inside += one.link.held
    }
    one.network.checkConservation()
    const endNs = looks * grainNs
    const sojournsNs = one.deliveries.reduce((sum, { atNs, number }) => sum + atNs - sentNs[number], 0)
    const lambda = one.deliveries.length / endNs
    const littlesL = lambda * sojournsNs / one.deliveries.length
    t.true(one.deliveries.length > 10_000 && littlesL > 50 * lambda * grainNs)
    t.true(Math.abs(inside / looks - littlesL) <= lambda * grainNs, `${inside / looks} and ${littlesL}`)
  })
}

test('runs of one seed are one run, and of another seed another', t => {
  const run = (seed: string): QueueRun => runQueue({ load: 0.8, sizes: 'exponential', packets: 100 }, randomStream(seed))
  t.deepEqual(run('a'), run('a'))
  t.notDeepEqual(run('a'), run('b'))
})
