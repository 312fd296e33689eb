import { readdir } from 'node:fs/promises'
import test from 'ava'
import { runCli, temporaryDirectory } from '../fixtures/run-cli.ts'

const badUse = test.macro(async (t, args: readonly string[], expected: RegExp) => {
  const directory = await temporaryDirectory(t)
  const { exitCode, stdout, stderr } = await runCli(directory, ['path', ...args])
  t.is(exitCode, 2)
  t.is(stdout, '')
  t.regex(stderr, /^error \[ERR_[A-Z_]+\]: [^\n]+\n$/)
  t.regex(stderr, expected)
  t.deepEqual(await readdir(directory), [])
})

test('a rate without a unit is refused', badUse, ['bulk', '--rate', '10'], /\[ERR_INVALID_UNIT\]: .*at --rate; expected a rate such as 10mbit/)
test('a round trip in another unit is refused', badUse, ['bulk', '--rtt', '80mbit'], /\[ERR_INVALID_UNIT\]: .*at --rtt/)
test('no rate at all is refused', badUse, ['fct', '--rate', '0mbit'], /\[ERR_INVALID_OPTION\]: .*at --rate; expected a number greater than 0; found 0/)
test('a round trip of nothing is refused', badUse, ['connect', '--rtt', '0ms'], /\[ERR_INVALID_OPTION\]: .*at --rtt;/)
test('a loss in percent is refused', badUse, ['bulk', '--loss', '1%'], /\[ERR_INVALID_OPTION\]: .*at --loss; expected a probability such as 0.01.*found "1%"/)
test('a loss above one is refused', badUse, ['bulk', '--loss', '1.5'], /at --loss/)
test('a chain with three numbers is refused', badUse, ['bulk', '--loss', 'ge:0.1,0.2,0.3'], /at --loss; .*ge:p,r,lossGood,lossBad/)
test('a chain that is no number is refused', badUse, ['bulk', '--loss', 'ge:0.1,0.2,,x'], /at --loss/)
test('a path that loses all is refused', badUse, ['connect', '--loss', '1'], /nothing would ever arrive; at --loss;/)
test('a direction that there is not is refused', badUse, ['bulk', '--loss-direction', 'sideways'], /at --loss-direction; expected forward or both; found "sideways"/)
test('a negative buffer is refused', badUse, ['bulk', '--buffer-bdp', '-1'], /at --buffer-bdp/)
test('a controller that there is not is refused', badUse, ['bulk', '--congestion', 'vegas'], /at --congestion; expected one of "reno", "cubic".*; found "vegas"/)
test('a list of controllers for one flow is refused', badUse, ['bulk', '--congestion', 'reno,reno'], /at --congestion/)
test('one controller for two flows is refused', badUse, ['pair', '--congestion', 'reno'], /at --congestion; expected two controllers/)
test('a transfer that ends before it is measured is refused', badUse, ['bulk', '--congestion', 'reno', '--duration', '5s'], /at --duration; expected more than 5 s/)
test('bursts of some other size are refused', badUse, ['bulk', '--gso', '17'], /at --gso; expected default or 1/)
test('a preset that there is not is refused', badUse, ['bulk', '--preset', 'bsd'], /at --preset; expected one of linux, rfc; found "bsd"/)
test('half an ECN is refused', badUse, ['bulk', '--ecn', 'maybe'], /at --ecn; expected one of off, accept, on; found "maybe"/)
test('another slow start is refused', badUse, ['fct', '--hystart', 'fast'], /at --hystart; expected one of classic, plus-plus, off; found "fast"/)
test('half a byte is refused', badUse, ['fct', '--size', '0.5'], /at --size/)
test('no repetition is refused', badUse, ['connect', '--repeat', '0'], /at --repeat/)
test('a level that there is not is refused', badUse, ['bulk', '--level', 'water'], /at --level; expected packet or fluid; found "water"/)
test('BBR at 30% loss has no formula', badUse, ['bulk', '--level', 'fluid', '--congestion', 'bbr', '--loss', '0.3'], /\[ERR_UNSUPPORTED\]: .*at --congestion; expected a loss below 0.2/)
test('BBR next to CUBIC has no formula', badUse, ['pair', '--level', 'fluid', '--congestion', 'bbr,cubic'], /\[ERR_UNSUPPORTED\]: .*BBR next to .*at --congestion;/)
for (const [option, value] of [['--queue', 'codel'], ['--loss', 'scripted:3'], ['--jitter', 'uniform:1ms'], ['--policer', '5mbit,32KiB'], ['--duplicate', '0.1'], ['--cross-traffic', 'poisson:1mbit']]) {
  test(`what flows cannot do names ${option}`, badUse, ['bulk', '--level', 'fluid', option, value], new RegExp(`\\[ERR_UNSUPPORTED\\]: .*at ${option};`))
}
for (const [option, value] of [['--gso', '1'], ['--gso', 'default'], ['--ecn', 'on'], ['--hystart', 'off'], ['--pcap', 'a'], ['--flows', 'a']]) {
  test(`flows have no ${option} ${value}`, badUse, ['fct', '--level', 'fluid', option, value], new RegExp(`\\[ERR_UNSUPPORTED\\]: .*at ${option}; expected no such option beside --level fluid; found "?${value}"?\n`))
}
test('connect has no level', badUse, ['connect', '--level', 'fluid'], /\[ERR_UNKNOWN_OPTION\]/)
test('an unknown option of a measurement names the nearest', badUse, ['bulk', '--rat', '10mbit'], /\[ERR_UNKNOWN_OPTION\]: .*expected .*--rate/)
test('an unknown measurement names the nearest', badUse, ['bluk'], /\[ERR_UNKNOWN_OPTION\]: .*expected bulk/)

test('a measurement is one JSON object with the names of the reference', async t => {
  const { exitCode, stdout } = await runCli(await temporaryDirectory(t), ['path', 'bulk', '--congestion', 'reno', '--seeds', '2', '--loss', 'ge:0.005,0.25,0,0.5', '--json'])
  t.is(exitCode, 0)
  t.is(stdout.split('\n').length, 2)
  const row = JSON.parse(stdout) as Record<string, unknown>
  const names = 'rate_mbps,rtt_ms,cc,loss_model,loss_fwd,buf_bdp,gso_max_segs,n,goodput_0_30_mbps_mean,goodput_0_30_mbps_sd,goodput_5_30_mbps_mean,goodput_5_30_mbps_sd,retrans_segs_0_30_mean,retrans_segs_0_30_sd,retrans_segs_5_30_mean,retrans_segs_5_30_sd,rto_count_mean,rto_count_sd,srtt_mean_5_30_ms_mean,srtt_mean_5_30_ms_sd,cwnd_mean_5_30_pkts_mean,cwnd_mean_5_30_pkts_sd,q_drops_mean,q_drops_sd,q_delay_mean_ms_mean,q_delay_mean_ms_sd,goodput_5_30_min,goodput_5_30_max'
  t.deepEqual(names.split(',').filter(name => typeof row[name] !== 'number'), ['cc', 'loss_model', 'gso_max_segs'])
  t.like(row, { cc: 'reno', loss_model: 'ge', gso_max_segs: 'default', n: 2 })
})

test('both levels give the same columns, and the fluid one leaves empty what is about packets', async t => {
  const directory = await temporaryDirectory(t)
  const absent = {
    bulk: ['gso_max_segs', 'retrans_segs_0_30_mean', 'retrans_segs_5_30_mean', 'rto_count_mean', 'q_drops_mean'],
    fct: ['gso_max_segs', 'frac_with_rto'],
    pair: ['gso_max_segs', 'A_retrans_mean', 'B_retrans_mean']
  }
  for (const [measurement, names] of Object.entries(absent)) {
    const count = measurement === 'fct' ? ['--repeat', '1'] : ['--seeds', '1']
    const rows = await Promise.all(['packet', 'fluid'].map(async level => {
      const { exitCode, stdout } = await runCli(directory, ['path', measurement, ...count, '--level', level, '--json'])
      t.is(exitCode, 0)
      return JSON.parse(stdout) as Record<string, unknown>
    }))
    t.is(rows[1].level, 'fluid')
    t.deepEqual(Object.keys(rows[1]).filter(name => name !== 'level'), Object.keys(rows[0]))
    t.deepEqual(Object.keys(rows[0]).filter(name => rows[0][name] !== null && rows[1][name] === null), names)
  }
})

test('without --json it is a table', async t => {
  const { exitCode, stdout } = await runCli(await temporaryDirectory(t), ['path', 'connect', '--congestion', 'reno', '--repeat', '3'])
  t.is(exitCode, 0)
  t.regex(stdout, /^n_attempt1 +3$/m)
})

test('where no repetition comes about the command fails, and says why', async t => {
  const directory = await temporaryDirectory(t)
  for (const [args, needs] of [['connect --repeat 1 --loss 0.9999', 'a connection within 300 s'], ['bulk --seeds 1 --rate 1bit', 'a connection within 300 s'], ['fct --repeat 1 --loss 0.9999', 'an answer within 3600 s']]) {
    const { exitCode, stdout, stderr } = await runCli(directory, ['path', ...args.split(' '), '--json'])
    t.is(exitCode, 1)
    t.like(JSON.parse(stdout) as object, { n: 0, n_fail: 1 })
    t.is(stderr, `nothing was measured: of 1 repetitions none came about (each needs ${needs} of simulated time)\n`)
  }
})

test('where one repetition comes about the command succeeds, and counts the others', async t => {
  const { exitCode, stdout, stderr } = await runCli(await temporaryDirectory(t), ['path', 'connect', '--repeat', '5', '--loss', '0.9', '--json'])
  const { n, n_fail: failed } = JSON.parse(stdout) as { n: number, n_fail: number }
  t.true(n > 0 && failed > 0 && n + failed === 5)
  t.is(exitCode, 0)
  t.is(stderr, '')
})

test('the help has durations as they are typed, the least of them, and the exit codes', async t => {
  const directory = await temporaryDirectory(t)
  for (const [measurement, given, least] of [['bulk', '30s', '5s'], ['pair', '40s', '20s']]) {
    const { exitCode, stdout } = await runCli(directory, ['path', measurement, '--help'])
    t.is(exitCode, 0)
    const help = stdout.replaceAll(/\s+/g, ' ')
    t.regex(help, new RegExp(`--duration <time> [^(]*more than ${least}, which are left out \\(default: ${given}\\)`))
    t.regex(help, /Exit codes: 0 at least one repetition came about/)
    const row = await runCli(directory, ['path', measurement, '--level', 'fluid', '--seeds', '1', '--json'])
    t.deepEqual(await runCli(directory, ['path', measurement, '--level', 'fluid', '--seeds', '1', '--json', '--duration', given]), row)
  }
})

test('TCP by the RFCs is another than that of Linux, and how it starts can be chosen', async t => {
  const directory = await temporaryDirectory(t)
  const rows = new Set<string>()
  for (const args of [[], ['--preset', 'rfc'], ['--preset', 'rfc', '--hystart', 'off'], ['--ecn', 'on', '--hystart', 'plus-plus']]) {
    const { exitCode, stdout } = await runCli(directory, ['path', 'bulk', '--seeds', '1', '--duration', '6s', '--buffer-bdp', '4', '--json', ...args])
    t.is(exitCode, 0)
    rows.add(stdout)
  }
  t.is(rows.size, 4, [...rows].join(''))
})
