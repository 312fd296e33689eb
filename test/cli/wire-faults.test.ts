import test from 'ava'
import { faultyRun } from '../fixtures/faulty-run.ts'

const fault = test.macro({
  title: (_, name: string) => `in simulation a run that ${name} is named with its arm and seed, and the others are kept`,
  async exec (t, _name: string, kind: string, code: string, message: RegExp) {
    const { exitCode, output, report } = await faultyRun(t, ['run', '--seeds', '2', '--set', `fault=${kind}`])
    t.is(exitCode, 1)
    t.is(output.status, 'partial')
    t.deepEqual(output.holes.map(hole => [hole.wire, hole.case, hole.arm, hole.seed, hole.code]), [['sim', 'waits', 'bad', 'twinwire/1', code]])
    t.regex(output.holes[0].message, message)
    t.regex(report, /partial: 1 run without a result/)
    t.deepEqual(output.findings[0].arms.map(({ arm, runs }) => [arm, runs]), [['plain', 2], ['good', 2], ['bad', 1]])
  }
})

test.serial(fault, 'throws', 'throws', 'RangeError', /a mistake/)
test.serial(fault, 'cannot be set up', 'set-up-throws', 'RangeError', /cannot be set up/)
test.serial(fault, 'goes on beyond its virtual limit', 'hangs', 'ERR_TIMEOUT', /not over after 60000 ms.*role of a/)
test.serial(fault, 'waits for what never comes', 'deadlock', 'ERR_TIMEOUT', /still waiting: role of a/)
test.serial(fault, 'records what is no number', 'not-a-number', 'ERR_INVALID_SAMPLE', /found NaN/)

test.serial('a scenario that throws fails the runs that ask for it, and no others', async t => {
  const { exitCode, output } = await faultyRun(t, ['run', '--seeds', '2', '--set', 'fault=scenario-throws'])
  t.is(exitCode, 1)
  t.deepEqual(output.holes.map(({ arm, seed, code }) => [arm, seed, code]), [['bad', 'twinwire/0', 'RangeError'], ['bad', 'twinwire/1', 'RangeError']])
})

test.serial('an arm that fails on every seed is a hole, and the comparison of the others survives', async t => {
  const { exitCode, output, report } = await faultyRun(t, ['run', '--seeds', '8', '--set', 'fault=throws', '--set', 'everySeed=true'])
  t.is(exitCode, 1)
  t.is(output.holes.length, 8)
  t.true(output.holes.every(({ arm }) => arm === 'bad'))
  const [plain, good, ...others] = output.findings[0].arms
  t.deepEqual([plain.arm, good.arm, others.length], ['plain', 'good', 0])
  t.is(good.comparison?.verdict, 'improved')
  t.is(good.comparison?.pairs, 8)
  t.regex(report, /partial: 8 runs without a result/)
})

test.serial('what is recorded, or rejected, when a run is over changes nothing', async t => {
  const { output: usual } = await faultyRun(t, ['run', '--seeds', '2'])
  for (const kind of ['records-late', 'rejects-late']) {
    const { exitCode, output } = await faultyRun(t, ['run', '--seeds', '2', '--set', `fault=${kind}`])
    t.is(exitCode, 0, kind)
    t.deepEqual(output.findings, usual.findings, kind)
  }
})
