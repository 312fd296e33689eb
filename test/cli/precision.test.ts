import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import test from 'ava'
import type { Machinery } from '../../src/cli/execute.ts'
import type { RunOutput } from '../../src/cli/json-output.ts'
import { moreSeeds } from '../../src/cli/more-seeds.ts'
import type { TargetPrecision } from '../../src/report/precision.ts'
import { FakeWire } from '../fixtures/fake-wire.ts'
import { fakeMachinery } from '../fixtures/fake-machinery.ts'
import { runCli, temporaryDirectory } from '../fixtures/run-cli.ts'

interface Manifest {
  readonly command: string
  readonly status: string
  readonly plan: ReadonlyArray<{ readonly wire: string, readonly seeds: readonly string[], readonly cases?: readonly string[] }>
  readonly precision?: object
}

const adaptive = (): Machinery => ({ ...fakeMachinery(), experimentsDirectory: new URL('../fixtures/adaptive/', import.meta.url) })

async function manifestOf (directory: string): Promise<Manifest> {
  return JSON.parse(await readFile(join(directory, 'manifest.json'), 'utf8')) as Manifest
}

const precision = { halfWidth: 0.05, maximumSeeds: 100, targets: [] }
const target = (halfWidth: number, pairs = 20, name = 'busy'): TargetPrecision => ({ case: name, metric: 'm', arm: 'a', pairs, halfWidth, reached: halfWidth <= 0.05 })

test('seeds are added by the square of what is missing, at least 5, at most as many again, never beyond the maximum', t => {
  // 20 * (0.06 / 0.05)^2 = 28.8
  t.is(moreSeeds([target(0.06)], precision, 20)?.count, 9)
  t.is(moreSeeds([target(0.051)], precision, 20)?.count, 5)
  t.is(moreSeeds([target(0.5)], precision, 20)?.count, 20)
  t.is(moreSeeds([target(Infinity)], precision, 20)?.count, 20)
  t.is(moreSeeds([target(0.5)], precision, 97)?.count, 3)
  t.is(moreSeeds([target(0.5)], precision, 100), undefined)
  t.is(moreSeeds([target(0.5)], precision, 2)?.count, 5)
})

test('only cases that are not known well enough get them, and an arm that never runs well gets none', t => {
  t.is(moreSeeds([target(0.05), target(0.01)], precision, 20), undefined)
  t.is(moreSeeds([target(Infinity, 0)], precision, 20), undefined)
  t.deepEqual(moreSeeds([target(0.06, 20, 'a'), target(0.04, 20, 'b'), target(0.07, 20, 'c'), target(0.08, 20, 'a')], precision, 20)?.cases, ['a', 'c'])
})

test.serial('a run goes on until its target is precise enough, with the target\'s case only, and its plan and its text say so', async t => {
  const directory = await temporaryDirectory(t)
  const { exitCode, stdout } = await runCli(directory, ['run', 'noisy', '--out', 'here', '--json'], { machinery: adaptive() })
  t.is(exitCode, 0)
  const { precision: found, status, findings } = JSON.parse(stdout) as RunOutput
  t.is(status, 'complete')
  const [{ pairs, halfWidth, reached }] = found?.targets ?? []
  t.true(reached && halfWidth <= 0.06 && pairs > 6 && pairs < 60, `${halfWidth} after ${pairs}`)
  const relative = findings.find(finding => finding.case === 'busy')?.arms[1].comparison?.relative
  t.is(((relative?.high ?? 0) - (relative?.low ?? 0)) / 2, halfWidth)
  t.is(findings.find(finding => finding.case === 'idle')?.arms[1].comparison?.pairs, 6)
  const { command, plan } = await manifestOf(join(directory, 'here'))
  t.is(command, 'twinwire run noisy --seed twinwire --seeds 6 --precision 0.06 --maximum-seeds 60')
  t.deepEqual(plan[0], { wire: 'sim', seeds: Array.from({ length: 6 }, (_, i) => `twinwire/${i}`) })
  t.true(plan.slice(1).every(({ wire, cases }) => wire === 'sim' && cases?.join() === 'busy'))
  t.deepEqual(plan.flatMap(({ seeds }) => seeds), Array.from({ length: pairs }, (_, i) => `twinwire/${i}`))
})

test.serial('it stops at the same seed whatever runs beside what, and its own command gives the same', async t => {
  const directory = await temporaryDirectory(t)
  const command = ['run', 'noisy', '--seed', 'twinwire', '--seeds', '6', '--precision', '0.06', '--maximum-seeds', '60']
  const outputs = [['run', 'noisy', '--jobs', '1'], ['run', 'noisy', '--jobs', '3'], command]
  const plans = []
  for (const [i, args] of outputs.entries()) {
    await runCli(directory, [...args, '--out', String(i)], { machinery: adaptive() })
    const { startedAt: _a, tookSeconds: _b, finishedAt: _c, ...manifest } = await manifestOf(join(directory, String(i))) as Manifest & { startedAt: string, tookSeconds: number, finishedAt: string }
    plans.push(manifest)
  }
  t.deepEqual(plans[0], plans[1])
  t.deepEqual(plans[0], plans[2])
})

test.serial('at the maximum it ends, and says what was not reached', async t => {
  const directory = await temporaryDirectory(t)
  const { exitCode, stdout } = await runCli(directory, ['run', 'noisy', '--precision', '1%', '--maximum-seeds', '13', '--out', 'here'], { machinery: adaptive() })
  t.is(exitCode, 0)
  t.regex(stdout, /The number of seeds was found on the way: [^\n]* less precisely than ±1% [^\n]* up to 13\. busy network, response time, median of Tuned: ±[\d.]+% after 13 seeds, which is not reached\./)
  const { plan, status } = await manifestOf(join(directory, 'here'))
  t.is(status, 'complete')
  t.is(plan.flatMap(({ seeds }) => seeds).length, 13)
})

test.serial('--seeds fixes the number, and the experiment says how often and over what network where nobody does', async t => {
  const directory = await temporaryDirectory(t)
  const tcp = new FakeWire('tcp')
  const asked: unknown[] = []
  const machinery: Machinery = { ...adaptive(), createTcpWire: async network => { asked.push(network); return tcp } }
  await runCli(directory, ['run', 'noisy', '--seeds', '2', '--out', 'fixed'], { machinery })
  const fixed = await manifestOf(join(directory, 'fixed'))
  t.is(fixed.command, 'twinwire run noisy --seed twinwire --seeds 2')
  t.deepEqual(fixed.plan, [{ wire: 'sim', seeds: ['twinwire/0', 'twinwire/1'] }])
  t.false('precision' in fixed)
  t.deepEqual(asked, [])
  await runCli(directory, ['validate', 'noisy', '--set', 'noiseMs=0', '--out', 'asked'], { machinery })
  const own = await manifestOf(join(directory, 'asked'))
  t.is(own.command, 'twinwire validate noisy --seed twinwire --seeds 6 --precision 0.06 --maximum-seeds 60 --stack-seeds 2 --tcp-seeds 1 --tcp-network namespaces --set noiseMs=0')
  t.deepEqual(own.plan.map(({ wire, seeds }) => [wire, seeds.length]), [['sim', 6], ['stack', 2], ['tcp', 1]])
  t.deepEqual(asked, ['namespaces'])
})

test.serial('seeds that are added come before the other wires', async t => {
  const directory = await temporaryDirectory(t)
  await runCli(directory, ['validate', 'noisy', '--tcp-seeds', '0', '--stack-seeds', '1', '--out', 'here'], { machinery: adaptive() })
  const { plan } = await manifestOf(join(directory, 'here'))
  t.deepEqual(plan.map(({ wire }) => wire), [...plan.slice(1).map(() => 'sim'), 'stack'])
  t.true(plan.length > 2)
})

for (const [args, message] of [
  [['run', 'queueing', '--precision', '0.05'], /at --precision; expected an experiment with precision\.targets; found queueing/],
  [['run', 'queueing', '--maximum-seeds', '50'], /at --maximum-seeds; expected --precision beside it; found 50/],
  [['run', 'queueing', '--precision', '0'], /at --precision; expected a share, more than 0 and up to 1/],
  [['run', 'queueing', '--precision', '101%'], /at --precision; expected a share/]
] as const) {
  test(`${args.slice(2).join(' ')} is refused where it says nothing`, async t => {
    const directory = await temporaryDirectory(t)
    const { exitCode, stderr } = await runCli(directory, args)
    t.is(exitCode, 2)
    t.regex(stderr, message)
  })
}

test('a maximum below the seeds to begin with is refused', async t => {
  const directory = await temporaryDirectory(t)
  const { exitCode, stderr } = await runCli(directory, ['run', 'noisy', '--maximum-seeds', '5'], { machinery: adaptive() })
  t.is(exitCode, 2)
  t.regex(stderr, /at --maximum-seeds; expected 6 or more; found 5/)
})
