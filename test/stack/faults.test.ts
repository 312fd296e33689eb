import test from 'ava'
import { faultyRun } from '../fixtures/faulty-run.ts'

const STACK = ['validate', '--seeds', '1', '--stack-seeds', '2', '--tcp-seeds', '0']

for (const [kind, code, message] of [
  ['throws', 'RangeError', /a mistake/],
  ['set-up-throws', 'RangeError', /cannot be set up/],
  ['hangs', 'ERR_TIMEOUT', /not over after 60000 ms/],
  ['deadlock', 'ERR_TIMEOUT', /role of a/],
  ['not-a-number', 'ERR_INVALID_SAMPLE', /found NaN/]
] as const) {
  test.serial(`on the stack a run with the fault ${kind} is named, and the others are kept`, async t => {
    const { exitCode, output } = await faultyRun(t, [...STACK, '--set', `fault=${kind}`])
    t.is(exitCode, 1)
    t.deepEqual(output.holes.map(hole => [hole.wire, hole.arm, hole.seed, hole.code]), [['stack', 'bad', 'twinwire/1', code]])
    t.regex(output.holes[0].message, message)
    t.deepEqual(output.findings.find(({ wire }) => wire === 'stack')?.arms.map(({ runs }) => runs), [2, 2, 1])
  })
}

test.serial('on the stack what is recorded when a run is over changes nothing', async t => {
  const { output: usual } = await faultyRun(t, STACK)
  const { exitCode, output } = await faultyRun(t, [...STACK, '--set', 'fault=records-late'])
  t.is(exitCode, 0)
  t.deepEqual(output.findings, usual.findings)
})

test.serial('on the stack a promise that is rejected as its run ends is that run\'s failure, as the thread was its own', async t => {
  const { exitCode, output } = await faultyRun(t, [...STACK, '--set', 'fault=rejects-late'])
  t.is(exitCode, 1)
  t.deepEqual(output.holes.map(({ arm, seed, code, message }) => [arm, seed, code, message]), [['bad', 'twinwire/1', 'RangeError', 'too late']])
})
