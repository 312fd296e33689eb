import test from 'ava'
import * as fc from 'fast-check'
import { accrualDetector, AnswerTimes, pingDetector } from '../../../src/optim/health/liveness.ts'
import type { Silence } from '../../../src/optim/health/liveness.ts'

fc.configureGlobal({ seed: 1, numRuns: 10_000 })

const options = { probeAfterMs: 10_000, probeTimeoutMs: 10_000, suspicion: { threshold: 8, minimumDeviationMs: 100, acceptablePauseMs: 3000 } }

const silence: fc.Arbitrary<Silence> = fc.record({
  silentMs: fc.nat(40_000),
  unansweredMs: fc.option(fc.nat(100_000), { nil: undefined }),
  sinceProbeMs: fc.oneof(fc.nat(40_000), fc.constant(Infinity)),
  probing: fc.boolean(),
  failedProbes: fc.nat(5),
  phi: fc.double({ min: 0, max: 20, noNaN: true }),
  timeoutFactor: fc.integer({ min: 1, max: 8 })
})

test('accrual kills only on silence and suspicion, probes only in silence, and no probe beside another', t => {
  const detector = accrualDetector(options)
  fc.assert(fc.property(silence, silence => {
    const { silentMs, unansweredMs, probing, phi, timeoutFactor } = silence
    const suspect = unansweredMs !== undefined && (phi >= 8 || unansweredMs >= 10_000 * timeoutFactor)
    const expected = silentMs < 10_000 ? 'wait' : suspect ? 'dead' : probing ? 'wait' : 'probe'
    return detector.judge(silence).action === expected
  }))
  t.pass()
})

test('the ping detectors count failed probes and nothing else', t => {
  fc.assert(fc.property(silence, fc.integer({ min: 1, max: 3 }), (silence, strikes) => {
    const { sinceProbeMs, probing, failedProbes } = silence
    const expected = failedProbes >= strikes ? 'dead' : probing || sinceProbeMs < 10_000 ? 'wait' : 'probe'
    return pingDetector(options, strikes).judge(silence).action === expected
  }))
  t.pass()
})

test('a peer that was never probed is suspect 5.3 s after its first probe, one that answers in 50 ms after 3.6 s', t => {
  const suspectAfterMs = (answers: AnswerTimes): number => {
    let unansweredMs = 0
    while (answers.phi(unansweredMs, options.suspicion) < 8) {
      unansweredMs += 10
    }
    return unansweredMs
  }
  // Phi 8 is 5.2 deviations by Akka's approximation: of 250 ms above 1000 + 3000 ms, and of 100 ms above 50 + 3000 ms.
  const answers = new AnswerTimes()
  t.true(Math.abs(suspectAfterMs(answers) - (4000 + 5.2 * 250)) < 30)
  for (let probe = 0; probe < 200; probe++) {
    answers.sample(50)
  }
  t.true(Math.abs(suspectAfterMs(answers) - (3050 + 5.2 * 100)) < 30)
})

test('a peer whose answers take long is given long', t => {
  const answers = new AnswerTimes()
  for (let probe = 0; probe < 200; probe++) {
    answers.sample(probe % 2 === 0 ? 3000 : 5000)
  }
  // Mean 4000 ms, deviation 1000 ms: below one half at 4000 + 3000 ms.
  t.true(answers.phi(6900, options.suspicion) < Math.log10(2))
})
