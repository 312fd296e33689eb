import test from 'ava'
import type { ExecutionContext } from 'ava'
import { mean, sampleStandardDeviation } from 'simple-statistics'
import { randomStream } from '../../src/core/random.ts'
import { measureQueue } from '../../bench/queueing.ts'
import type { QueueCase } from '../../bench/queueing.ts'
import { OneLink } from './packet-tools.ts'

const REPLICATIONS = 20
/** Student's t, 19 degrees of freedom, 99.95% quantile: a two-sided interval of 99.9%. */
const STUDENT_T = 3.883

// In units of the mean service time 1 / mu, with load r:
// M/M/1: Wq = r / (1 - r). M/D/1: Wq = r / (2 (1 - r)). M/M/1/K: P(drop) = (1 - r) r^K / (1 - r^(K + 1)), or 1 / (K + 1) at r = 1.
const service = { rateBitsPerSecond: 10e6, meanBytes: 1000, packets: 60_000 }

test('the mean wait is that of M/M/1', t => {
  for (const load of [0.5, 0.8]) {
    expectTheory(t, replicate({ ...service, load, sizes: 'exponential' }, 'wait'), load / (1 - load))
  }
})

test('the mean wait is that of M/D/1', t => {
  for (const load of [0.5, 0.8]) {
    expectTheory(t, replicate({ ...service, load, sizes: 'constant' }, 'wait'), load / (2 * (1 - load)))
  }
})

test('the mean wait is that of M/G/1, lambda E[S^2] / (2 (1 - r))', t => {
  // E[S^2] of sizes of 0.2 (three times out of four) and 3.4 of the mean.
  const secondMoment = 0.75 * 0.2 ** 2 + 0.25 * 3.4 ** 2
  expectTheory(t, replicate({ ...service, load: 0.5, sizes: 'bimodal' }, 'wait'), 0.5 * secondMoment / (2 * (1 - 0.5)))
})

test('what is in an M/M/1 system is lambda W, r / (1 - r) in the mean, and sojourns are exponential with 1 / (mu - lambda)', t => {
  const load = 0.5
  const one = new OneLink({ rateBitsPerSecond: 8e6, delayNs: 0 })
  const random = randomStream('little')
  const packets = 200_000
  const sentNs: number[] = []
  // A byte takes a microsecond: services of 1 ms in the mean.
  const send = one.network.kernel.define(() => {
    one.send(Math.ceil(random.exponential(999.5)))
    sentNs.push(one.network.kernel.nowNs)
    if (sentNs.length < packets) {
      one.network.kernel.schedule(one.network.kernel.nowNs + Math.round(random.exponential(1e6 / load)), send, 0)
    }
  })
  one.network.kernel.schedule(0, send, 0)
  let [samples, inside] = [0, 0]
  while (one.network.kernel.pending > 0) {
    one.network.kernel.run(one.network.kernel.nowNs + 5e6)
    inside += one.link.held
    samples++
  }
  const sojournsMs = one.deliveries.map(({ atNs, number }) => (atNs - sentNs[number]) / 1e6)
  const perMs = packets / (one.network.kernel.nowNs / 1e6)
  t.true(Math.abs(inside / samples / (perMs * mean(sojournsMs)) - 1) < 0.02)
  t.true(Math.abs(inside / samples / (load / (1 - load)) - 1) < 0.03)
  // mu - lambda is 0.5 a ms. Neighbours in a busy period are alike, hence a bound of 2% instead of a binomial's 0.3%.
  for (const ms of [1, 2, 4, 8]) {
    const share = sojournsMs.filter(sojournMs => sojournMs > ms).length / packets
    t.true(Math.abs(share - Math.exp(-0.5 * ms)) < 0.02, `${share} above ${ms} ms`)
  }
})

test('a queue of K - 1 packets drops what M/M/1/K drops', t => {
  const limitPackets = 9
  expectTheory(t, replicate({ ...service, load: 0.8, sizes: 'exponential', limitPackets }, 'drop'), 0.02349)
  expectTheory(t, replicate({ ...service, load: 1, sizes: 'exponential', limitPackets }, 'drop'), 0.09091)
})

function replicate (options: QueueCase, figure: 'wait' | 'drop'): number[] {
  return Array.from({ length: REPLICATIONS }, (_, index) => {
    const { meanWaitServices, dropShare } = measureQueue(options, randomStream(`replication ${index}`))
    return figure === 'wait' ? meanWaitServices : dropShare
  })
}

/** Inside the 99.9% confidence interval of the replications' mean, and at most 3% off. */
function expectTheory (t: ExecutionContext, samples: number[], theory: number): void {
  const found = mean(samples)
  const halfWidth = STUDENT_T * sampleStandardDeviation(samples) / Math.sqrt(samples.length)
  t.true(Math.abs(found - theory) <= halfWidth, `${found} ± ${halfWidth} does not contain ${theory}`)
  t.true(Math.abs(found / theory - 1) <= 0.03, `${found} is more than 3% off ${theory}`)
}
