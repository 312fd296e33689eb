import test from 'ava'
import type { ExecutionContext } from 'ava'
import { mean, sampleStandardDeviation } from 'simple-statistics'
import { randomStream } from '../../src/core/random.ts'
import { measureQueue } from '../../bench/queueing.ts'
import type { QueueCase } from '../../bench/queueing.ts'

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
