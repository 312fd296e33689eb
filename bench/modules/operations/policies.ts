import { randomStream } from '../../../src/core/random.ts'
import { Gcra } from '../../../src/optim/bandwidth/gcra.ts'
import { BandwidthMeter } from '../../../src/optim/bandwidth/meter.ts'
import { PeakEwma, pickOfTwo } from '../../../src/optim/pool/balance.ts'
import { PhiAccrual } from '../../../src/optim/timeouts/phi-accrual.ts'
import { policyNamed } from '../../../src/optim/timeouts/policy.ts'
import { RttEstimator } from '../../../src/optim/timeouts/rtt-estimator.ts'
import type { Operation } from './operation.ts'

const CANDIDATES = 8
const PEERS = 100

/** Pure decisions and estimators; time goes on by a millisecond with each. */
export function policyOperations (): Operation[] {
  const random = randomStream('policies')
  const rttsMs = Float64Array.from({ length: 1024 }, () => random.uniform(10, 100))
  let i = 0

  const candidates = Array.from({ length: CANDIDATES }, (_, pending) => ({ cost: new PeakEwma(10_000), pending }))
  for (const { cost } of candidates) {
    cost.observe(0, random.uniform(10, 100))
  }
  const estimator = new RttEstimator()
  const policy = policyNamed('adaptive', 1000)
  const conditions = { srttMs: 50, rttVarMs: 10, priorMs: 1000, backoff: 0, spuriousShare: 0, lossShare: 0, suspicion: 0, tier: 'rtt', granularityMs: 5 } as const
  const detector = new PhiAccrual({ threshold: 8, minimumDeviationMs: 100, acceptablePauseMs: 1000 })
  detector.awaitFrom(0)
  for (let nowMs = 0; nowMs < 10_000; nowMs += 50) {
    detector.signOfLife(nowMs)
  }
  const pace = new Gcra(80e6, 100_000)
  const meter = new BandwidthMeter()
  const peers = Array.from({ length: PEERS }, (_, peer) => `peer ${peer}`)

  return [
    { name: `pool: pick of two among ${CANDIDATES} connections by Peak EWMA`, run: () => pickOfTwo(candidates, random, ({ cost, pending }) => cost.load(++i, pending)) },
    { name: 'pool: Peak EWMA sample', run: () => candidates[0].cost.observe(++i, rttsMs[i % 1024]) },
    { name: 'timeouts: round trip estimator, a sample', run: () => estimator.sample(rttsMs[++i % 1024]) },
    { name: 'timeouts: policy adaptive', run: () => policy.timeoutMs(conditions) },
    { name: 'timeouts: phi', run: () => detector.phi(10_100) },
    { name: 'timeouts: sign of life', run: () => detector.signOfLife(++i) },
    { name: 'bandwidth: GCRA, delay and take', run: () => { pace.delayMs(++i); pace.take(i, 1_000) } },
    { name: `bandwidth: meter, a count of ${PEERS} peers`, run: () => meter.count(++i / 100, 'upload', 'normal', peers[i % PEERS], 1_000) }
  ]
}
