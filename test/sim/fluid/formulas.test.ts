import test from 'ava'
import * as fc from 'fast-check'
import { randomStream } from '../../../src/core/random.ts'
import { inSeries, lossRates } from '../../../src/sim/fluid/loss-rates.ts'
import { sawtooth } from '../../../src/sim/fluid/sawtooth.ts'
import { lossFor, meanWindow, relaxedWindow } from '../../../src/sim/fluid/window-law.ts'
import { createLoss } from '../../../src/sim/loss.ts'

function isNear (found: number, expected: number, relative: number): boolean {
  return Math.abs(found - expected) <= relative * expected
}

test("Reno's mean window is sqrt(3/(2p)): 12.25 segments at 1%", t => {
  t.true(isNear(meanWindow('reno', 0.01, 0.1), 12.2474, 1e-5))
})

test("CUBIC's mean window is that of RFC 9438 table 1: 187 and 1054 segments at 1e-4 and 1e-5 with 0.1 s", t => {
  t.true(isNear(meanWindow('cubic', 1e-4, 0.1), 187, 0.005))
  t.true(isNear(meanWindow('cubic', 1e-5, 0.1), 1054, 0.001))
})

test("CUBIC's mean window is never below Reno's", t => {
  fc.assert(fc.property(fc.double({ min: 1e-8, max: 0.5, noNaN: true }), fc.double({ min: 1e-4, max: 10, noNaN: true }), (loss, rttS) => {
    t.true(meanWindow('cubic', loss, rttS) >= meanWindow('reno', loss, rttS))
  }))
})

test('the loss for a window has that window', t => {
  fc.assert(fc.property(fc.constantFrom('reno' as const, 'cubic' as const), fc.double({ min: 1, max: 1e5, noNaN: true }), fc.double({ min: 1e-4, max: 10, noNaN: true }), (congestion, window, rttS) => {
    t.true(isNear(meanWindow(congestion, lossFor(congestion, window, rttS), rttS), window, 1e-9))
  }))
})

test('after a loss a window goes over into its mean, half of the way in W² for Reno every ln 2/p segments', t => {
  const halfWay = Math.LN2 / 0.001
  const from = { start: 100, mean: 40, loss: 0.001 }
  t.true(isNear(relaxedWindow('reno', { ...from, segments: 0 }), 100, 1e-12))
  t.true(isNear(relaxedWindow('reno', { ...from, segments: halfWay }), Math.sqrt((100 ** 2 + 40 ** 2) / 2), 1e-12))
  t.true(isNear(relaxedWindow('reno', { ...from, segments: 1e6 }), 40, 1e-12))
})

test('without a buffer Reno uses 3/4 of a link, with a buffer of one pipe all of it', t => {
  t.true(isNear(sawtooth('reno', { pipe: 100, buffer: 0, rttS: 0.1 }).utilisation, 3 / 4, 1e-12))
  t.true(isNear(sawtooth('reno', { pipe: 100, buffer: 100, rttS: 0.1 }).utilisation, 1, 1e-12))
})

test("without a buffer CUBIC's curve uses 1 - 0.3/4 of a link, its Reno-friendly line 0.85", t => {
  t.true(isNear(sawtooth('cubic', { pipe: 1000, buffer: 0, rttS: 0.2 }).utilisation, 0.925, 1e-12))
  t.true(isNear(sawtooth('cubic', { pipe: 10, buffer: 0, rttS: 0.002 }).utilisation, 0.85, 1e-12))
})

/** The same by small steps: a window after the other where it counts round trips, an instant after the other on the curve. */
function stepped (congestion: 'reno' | 'cubic', pipe: number, buffer: number, isCurve: boolean): { utilisation: number, meanQueue: number } {
  const top = pipe + buffer
  const beta = congestion === 'reno' ? 0.5 : 0.7
  const steps = 100_000
  let [carried, time, waited] = [0, 0, 0]
  for (let i = 0; i < steps; i++) {
    const at = (i + 0.5) / steps
    const window = isCurve ? top * (1 - (1 - beta) * (1 - at) ** 3) : top * (beta + (1 - beta) * at)
    // On the curve each step takes the same time, and carries what the link or the window allows in it.
    const share = isCurve ? Math.min(1, window / pipe) : window
    carried += share
    time += isCurve ? 1 : Math.max(window, pipe)
    waited += share * Math.max(0, window - pipe)
  }
  return { utilisation: carried / time, meanQueue: waited / carried }
}

test('the closed forms of the sawtooth are the sums over its steps', t => {
  for (const [congestion, rttS, isCurve] of [['reno', 0.1, false], ['cubic', 0.0001, false], ['cubic', 10, true]] as const) {
    for (const buffer of [0, 10, 43, 100, 400]) {
      const found = sawtooth(congestion, { pipe: 100, buffer, rttS })
      const expected = stepped(congestion, 100, buffer, isCurve)
      t.true(isNear(found.utilisation, expected.utilisation, 1e-6), `${congestion} ${buffer}`)
      t.true(Math.abs(found.meanQueue - expected.meanQueue) < 1e-3, `${congestion} ${buffer}`)
    }
  }
})

test('losses on links in a row are lost one after the other', t => {
  const link = lossRates({ model: 'bernoulli', probability: 0.1 }, '')
  t.true(isNear(inSeries([link, link]).packets, 0.19, 1e-12))
  t.deepEqual(inSeries([]), { packets: 0, episodes: 0 })
})

test("a chain's stay in the bad state is one episode, as counted over a million packets", t => {
  const chain = { model: 'gilbert-elliott', p: 0.005, r: 0.25, lossGood: 0, lossBad: 0.5 } as const
  const { packets, episodes } = lossRates(chain, '')
  const loss = createLoss(chain, randomStream('chain'), '')
  const count = 1e6
  let [lost, begun, last] = [0, 0, -Infinity]
  for (let packet = 0; packet < count; packet++) {
    if (loss.lost()) {
      lost++
      // A stay lasts 20 packets with probability 0.75^20 = 0.003; the next begins within 20 with 1 - 0.995^20 = 0.095.
      begun += packet - last > 20 ? 1 : 0
      last = packet
    }
  }
  // Of n rare events 3.3 sqrt(n) are chance; lost packets come in bursts of two to three.
  t.true(Math.abs(lost - packets * count) < 3.3 * Math.sqrt(3 * lost))
  t.true(Math.abs(begun - episodes * count * 0.995 ** 20) < 3.3 * Math.sqrt(begun))
})

test('scripted losses are about single packets, which flows do not have', t => {
  t.throws(() => lossRates({ model: 'scripted', packets: [1] }, 'loss'), { code: 'ERR_UNSUPPORTED', message: /at loss; expected bernoulli/ })
})
