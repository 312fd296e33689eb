import { stripVTControlCharacters } from 'node:util'
import test from 'ava'
import type { Clock } from '../../src/core/clock.ts'
import { Eta } from '../../src/cli/eta.ts'
import { Progress } from '../../src/cli/progress.ts'
import type { Stage } from '../../src/cli/stages.ts'
import { Capture } from '../fixtures/capture.ts'

function stage (wire: 'sim' | 'tcp', cases: readonly string[], atATime = 1): Stage {
  return { wire, capacity: atATime, weightOf: () => 1, units: cases.map((name, i) => ({ wire, case: name, arm: 'plain', seed: String(i) })) }
}

/** A clock that is set by hand; its one timer is fired by hand too. */
class HandClock implements Clock {
  nowMs = 0
  fire: (() => void) | undefined

  now (): number {
    return this.nowMs
  }

  setTimeout (callback: () => void): { cancel: () => void } {
    this.fire = callback
    return { cancel: () => { this.fire = undefined } }
  }
}

test('without a terminal there is a plain line every 5 s and one at the end', t => {
  const output = new Capture()
  const clock = new HandClock()
  const simulations = stage('sim', ['a', 'a', 'a', 'a'])
  const { units } = simulations
  const progress = new Progress({ output, clock, stages: [simulations], estimate: () => 'faster so far' })
  progress.start()
  t.is(clock.fire, undefined)
  units.forEach((unit, i) => {
    clock.nowMs += 3000
    progress.finished(unit, i === 2, 3000)
  })
  progress.stop()
  t.is(output.text, [
    '2/4 runs, ETA 6 s, faster so far',
    '4/4 runs, 1 failed, faster so far',
    ''
  ].join('\n'))
})

test('on a terminal one line is drawn again in place, and nothing is left scheduled', t => {
  const output = new Capture({ isTTY: true })
  const clock = new HandClock()
  const simulations = stage('sim', ['a', 'a'])
  const { units } = simulations
  const progress = new Progress({ output, clock, stages: [simulations], estimate: () => '' })
  progress.start()
  clock.nowMs = 1000
  progress.finished(units[0], false, 1000)
  progress.say('interrupted')
  clock.fire?.()
  progress.stop()
  t.is(clock.fire, undefined)
  const lines = output.text.split('\n')
  t.is(lines.length, 3)
  t.true(lines[0].endsWith('\r\u001b[2Kinterrupted'))
  t.regex(lines[1], /█{12}░{12}.* 1\/2 runs, ETA 1 s$/)
  t.is(lines[2], '')
})

test('a line on a terminal is no wider than it', t => {
  const output = new Capture({ isTTY: true })
  const progress = new Progress({ output, clock: new HandClock(), stages: [stage('sim', ['a'])], estimate: () => 'x'.repeat(500) })
  progress.start()
  progress.stop()
  for (const line of output.text.split('\r')) {
    t.true(stripVTControlCharacters(line).trimEnd().length <= output.columns)
  }
})

test('the ETA weighs cases by what they took, and divides by how many run at a time, but by no more than leaves time for the longest', t => {
  const stages = [stage('tcp', ['short', 'long', 'short', 'long'], 2)]
  const eta = new Eta(stages)
  t.deepEqual(eta.remaining(), { timeMs: 0, complete: false })
  const [short, long, secondShort] = stages[0].units
  eta.finished(short, 100)
  // Nothing is known of 'long' yet: it counts as what is.
  t.deepEqual(eta.remaining(), { timeMs: 300 / 2, complete: true })
  eta.finished(long, 300)
  // The other one left ends beside it.
  t.deepEqual(eta.remaining(), { timeMs: 300, complete: true })
  eta.finished(secondShort, 100)
  // The last one has no other to run beside.
  t.deepEqual(eta.remaining(), { timeMs: 300, complete: true })
})

test('the ETA knows runs that share the machine from those that have it alone, however much may go at a time', t => {
  const [sharing, lone] = [stage('tcp', ['waiting', 'waiting']), stage('tcp', ['lone', 'lone', 'lone'])]
  const eta = new Eta([{ ...sharing, weightOf: () => 0.4 }, lone])
  eta.finished(sharing.units[0], 30)
  // The other one has the machine to itself for as long, and of lone ones nothing is known.
  t.deepEqual(eta.remaining(), { timeMs: 30, complete: false })
  eta.finished(lone.units[0], 5)
  t.deepEqual(eta.remaining(), { timeMs: 30 + 2 * 5, complete: true })
})

test('the ETA of a stage of several experiments takes cases of one name for what they are where their limits differ', t => {
  const cases = stage('tcp', ['churn', 'churn', 'churn', 'churn'])
  const eta = new Eta([{ ...cases, scenarioLimitMsOf: ({ seed }) => Number(seed) < 2 ? 95_000 : 82_000 }])
  eta.finished(cases.units[0], 64)
  eta.finished(cases.units[2], 42)
  t.deepEqual(eta.remaining(), { timeMs: 64 + 42, complete: true })
})

test('a stage that has not begun makes the ETA a lower bound', t => {
  const stages: Stage[] = [stage('sim', ['a', 'a']), stage('tcp', ['a'])]
  const eta = new Eta(stages)
  eta.finished(stages[0].units[0], 50)
  t.deepEqual(eta.remaining(), { timeMs: 50, complete: false })
})

test('what is run again takes what its case took in the same stage', t => {
  const simulations = stage('sim', ['short', 'long'])
  const eta = new Eta([simulations])
  simulations.units.forEach(unit => eta.finished(unit, unit.case === 'long' ? 300 : 100))
  t.deepEqual(eta.remaining(), { timeMs: 0, complete: true })
  const again = stage('sim', ['long'])
  eta.add([again])
  t.deepEqual(eta.remaining(), { timeMs: 300, complete: true })
  eta.finished(again.units[0], 310)
  t.deepEqual(eta.remaining(), { timeMs: 0, complete: true })
})
