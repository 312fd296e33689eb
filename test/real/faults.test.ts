import test from 'ava'
import { faultyRun } from '../fixtures/faulty-run.ts'

test.serial('on real peers an arm that throws on every seed is a hole, and the others are compared', async t => {
  const { exitCode, output } = await faultyRun(t, ['validate', '--seeds', '1', '--stack-seeds', '0', '--tcp-seeds', '2', '--set', 'fault=throws', '--set', 'everySeed=true'])
  t.is(exitCode, 1)
  t.deepEqual(output.holes.filter(({ wire }) => wire === 'tcp').map(({ arm, seed, code }) => [arm, seed, code]), [
    ['bad', 'twinwire/0', 'RangeError'], ['bad', 'twinwire/1', 'RangeError']
  ])
  const arms = output.findings.find(({ wire }) => wire === 'tcp')?.arms
  t.deepEqual(arms?.map(({ arm, runs }) => [arm, runs]), [['plain', 2], ['good', 2]])
  t.is(arms?.[1].comparison?.pairs, 2)
})
