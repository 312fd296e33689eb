import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import test from 'ava'
import type { ExecutionContext } from 'ava'
import { runCli, temporaryDirectory } from '../fixtures/run-cli.ts'

const badUse = test.macro(async (t, args: string, expected: RegExp) => {
  const { exitCode, stdout, stderr } = await runCli(await temporaryDirectory(t), ['path', ...args.split(' ')])
  t.is(exitCode, 2)
  t.is(stdout, '')
  t.regex(stderr, /^error \[ERR_[A-Z_]+\]: [^\n]+\n$/)
  t.regex(stderr, expected)
})

test('a discipline that there is not is refused', badUse, 'bulk --queue pie', /at --queue; expected droptail, red, codel or fq-codel.*found "pie"/)
test('drop-tail marks nothing', badUse, 'bulk --queue droptail:ecn', /at --queue/)
test('jitter without a unit is refused', badUse, 'bulk --jitter uniform:5', /ERR_INVALID_UNIT.*at --jitter; expected a duration such as 80ms/)
test('a distribution that there is not is refused', badUse, 'bulk --jitter gauss:5ms', /at --jitter; expected uniform:5ms/)
test('no jitter at all is refused', badUse, 'bulk --jitter uniform:0ms', /at --jitter; expected a time above 0/)
test('a Pareto tail without a mean is refused', badUse, 'bulk --jitter pareto:5ms,1', /at --jitter/)
test('reordering without jitter is refused', badUse, 'fct --reorder', /at --reorder; expected jitter beside it/)
test('a probability above one is refused', badUse, 'bulk --duplicate 2', /at --duplicate/)
test('a path that damages everything is refused', badUse, 'bulk --corrupt 1', /at --corrupt; expected a number less than 1/)
test('an MTU without room for a header is refused', badUse, 'bulk --mtu 100', /at --mtu; expected a number of at least 576/)
test('a policer without a burst is refused', badUse, 'bulk --policer 5mbit', /at --policer; expected a rate and a burst/)
test('a burst of less than a packet is refused', badUse, 'bulk --policer 5mbit,500', /no full packet would ever pass.*at --policer.burstBytes; expected at least 1500/)
test('a way back longer than the round trip is refused', badUse, 'bulk --rtt 80ms --delay-backward 90ms', /at --delay-backward; expected at most rttMs \(80\); found 90/)
test('traffic of a kind that there is not is refused', badUse, 'bulk --cross-traffic steady:5mbit', /at --cross-traffic; expected poisson:5mbit/)
test('bulk traffic of no flows is refused', badUse, 'bulk --cross-traffic bulk:cubic,0', /at --cross-traffic\[0\]\.flows;/)
test('bulk traffic of another controller is refused', badUse, 'bulk --cross-traffic bulk:vegas', /at --cross-traffic; expected one of "reno", "cubic".*found "vegas"/)
test('traffic that nothing could carry is refused', badUse, 'bulk --cross-traffic poisson:1e16bit', /at --cross-traffic\[0\]\.rateBitsPerSecond; expected a number of at most/)
test('each first packet lost is every packet lost', badUse, 'bulk --loss periodic:1', /nothing would ever arrive; at --loss;/)
test('a period of nothing is refused', badUse, 'bulk --loss periodic:0', /at --loss\.every;/)
test('a script that is no list of numbers is refused', badUse, 'bulk --loss scripted:1,x', /at --loss; .*scripted:i,j,k/)
test('a script that does not ascend is refused', badUse, 'bulk --loss scripted:3,2,1', /at --loss\.packets\[1\];/)
test('a preset that there is not names the nearest', badUse, 'bulk --path pantheon:korea-to-chin', /at --path; expected pantheon:korea-to-china/)
test('a preset beside a rate is refused', badUse, 'bulk --path pantheon:korea-to-china --rate 5mbit', /cannot be used with option '--rate/)
test('what a preset asks of the fluid level is asked by the preset', badUse, 'fct --level fluid --path pantheon:nepal-to-aws-india', /\[ERR_UNSUPPORTED\]: .*at --path;/)
test('a trace beside a rate is refused', badUse, 'bulk --trace x --rate 5mbit', /cannot be used with option '--rate/)
test('a trace that is not there is refused', badUse, 'bulk --trace missing', /ERR_INVALID_FILE.*missing; expected a file that can be read; found ENOENT/)
test('a file of delays that is a directory is refused', badUse, 'bulk --jitter .', /ERR_INVALID_FILE.*expected a regular file; found a directory/)

async function bulk (t: ExecutionContext, args: string): Promise<Record<string, number>> {
  return await measure(t, 'bulk', `--seeds 1 --duration 15s ${args}`)
}

async function measure (t: ExecutionContext, what: string, args: string): Promise<Record<string, number>> {
  const directory = await temporaryDirectory(t)
  await mkdir(join(directory, 'in'))
  // 12 Mbit/s: one packet each ms; delays of 3 ms.
  await writeFile(join(directory, 'in/steady.trace'), '1\n')
  await writeFile(join(directory, 'in/delays.csv'), 'ms\n3\n')
  const { exitCode, stdout, stderr } = await runCli(directory, ['path', what, '--json', ...args.split(' ').filter(arg => arg !== '')])
  t.is(stderr, '')
  t.is(exitCode, 0)
  return JSON.parse(stdout) as Record<string, number>
}

const PLAIN = 'rate_mbps,rtt_ms,cc,loss_model,loss_fwd,buf_bdp,gso_max_segs,n,n_fail'

test('a row has further columns only for further options, each by its name', async t => {
  const row = await bulk(t, '')
  t.is(Object.keys(row).slice(0, 9).join(), PLAIN)
  const all = await bulk(t, '--ecn on --queue fq-codel:ecn --jitter in/delays.csv --reorder --duplicate 0.01 --corrupt 0.001 --mtu 1280 --policer 20mbit,64KiB --rate-backward 5mbit --delay-backward 10ms --cross-traffic poisson:1mbit --cross-traffic on-off:2mbit,100ms,100ms --cross-traffic bulk:bbr,2')
  t.deepEqual(Object.keys(all).filter(name => !(name in row)), ['rate_backward_mbps', 'delay_backward_ms', 'queue', 'policer', 'cross_traffic', 'jitter', 'reorder', 'duplicate', 'corrupt', 'mtu'])
  t.like(all, { queue: 'fq-codel:ecn', policer: '20mbit,64KiB', jitter: 'in/delays.csv', mtu: 1280, rate_backward_mbps: 5, cross_traffic: 'poisson:1mbit on-off:2mbit,100ms,100ms bulk:bbr,2' })
})

test('a trace of a packet a millisecond carries 12 Mbit/s, less headers', async t => {
  const { rate_mbps: rate, goodput_5_15_mbps_mean: goodput } = await bulk(t, '--trace in/steady.trace --buffer-bdp 2')
  t.is(rate, 12)
  // 1448 of each 1500 bytes; two bandwidth-delay products of buffer keep CUBIC's window above one.
  t.true(goodput <= 12 * 1448 / 1500 + 0.001 && goodput > 0.98 * 12 * 1448 / 1500, `${goodput} Mbit/s`)
})

test('a delay of 3 ms more is added in the directions in which packets are lost', async t => {
  const connect = async (args: string): Promise<number> => (await measure(t, 'connect', `--repeat 5 ${args}`)).p50_ms
  const plain = await connect('')
  t.is(await connect('--jitter in/delays.csv'), plain + 6)
  t.is(await connect('--jitter in/delays.csv --loss-direction forward'), plain + 3)
})

test('a discipline keeps a queue short that drop-tail lets fill', async t => {
  const [plain, codel] = [await bulk(t, '--buffer-bdp 4'), await bulk(t, '--buffer-bdp 4 --queue codel')]
  // Drop-tail's queue is between 1.8 (after a loss CUBIC keeps 0.7 of 5 and the path holds one) and 4 round trips of 80 ms.
  t.true(plain.q_delay_mean_ms_mean > 1.8 * 80)
  t.true(codel.q_delay_mean_ms_mean < 0.5 * 80)
})

test('a queue that marks, and connections that do not ask for it, are remarked upon', async t => {
  const args = ['path', 'bulk', '--seeds', '1', '--duration', '6s', '--queue', 'codel:ecn']
  const [plain, asking] = [await runCli(await temporaryDirectory(t), args), await runCli(await temporaryDirectory(t), [...args, '--ecn', 'on'])]
  t.is(plain.exitCode, 0)
  t.is(plain.stderr, 'note: --queue codel:ecn marks only packets of connections that ask for ECN: --ecn on\n')
  t.is(asking.stderr, '')
})

test('a policer lets its rate through and no more', async t => {
  const { goodput_0_15_mbps_mean: goodput } = await bulk(t, '--policer 5mbit,32KiB')
  // The bucket is full at the start: 32 KiB in 15 s are 0.017 Mbit/s.
  t.true(goodput <= (5 + 0.018) * 1448 / 1500 && goodput > 2.5, `${goodput} Mbit/s`)
})

test('traffic takes its share and leaves the rest', async t => {
  const { goodput_5_15_mbps_mean: goodput } = await bulk(t, '--cross-traffic poisson:5mbit')
  // Poisson traffic of 4167 packets in 10 s is 5 Mbit/s with a deviation of 0.08.
  t.true(goodput < (5 + 0.3) * 1448 / 1500 && goodput > 4, `${goodput} Mbit/s`)
})

test('a second transfer takes about half', async t => {
  const { goodput_5_15_mbps_mean: goodput } = await bulk(t, '--cross-traffic bulk:reno --congestion reno')
  // Whatever the phase, 10 s of two equal flows are no nearer to one of them than two thirds.
  t.true(goodput > 10 / 3 && goodput < 10 * 2 / 3, `${goodput} Mbit/s`)
})

test('a slow way back holds up acknowledgements and with them the transfer', async t => {
  const { goodput_5_15_mbps_mean: goodput } = await bulk(t, '--rate-backward 20kbit')
  // An acknowledgement of 52 bytes each 21 ms; the kernel's bursts let each stand for at most 45 segments (64 KiB).
  t.true(goodput < 9, `${goodput} Mbit/s`)
})

test('smaller packets carry more headers', async t => {
  const { goodput_5_15_mbps_mean: goodput } = await bulk(t, '--mtu 576 --buffer-bdp 2')
  t.true(goodput <= 10 * 524 / 576 + 0.001 && goodput > 0.98 * 10 * 524 / 576, `${goodput} Mbit/s`)
})

test('one packet that a script loses is sent once more', async t => {
  const quiet = '--rate 100mbit --buffer-bdp 100 --duration 6s --seeds 1'
  const [none, one] = [await bulk(t, quiet), await bulk(t, `${quiet} --loss scripted:50`)]
  t.is(one.retrans_segs_0_6_mean - none.retrans_segs_0_6_mean, 1)
})

test('a preset is its rate, round trip, loss and queue', async t => {
  // 94 packets of 1500 B in 102 ms of 77.72 Mbit/s.
  t.like(await bulk(t, '--path pantheon:korea-to-china'), { rate_mbps: 77.72, rtt_ms: 102, loss_fwd: 0.0006, buf_bdp: 0.142291 })
})

test('a measurement can be cut short however much happens at once', async t => {
  const interrupt = new AbortController()
  setTimeout(() => interrupt.abort(), 300)
  const before = process.cpuUsage()
  const { exitCode, stderr } = await runCli(await temporaryDirectory(t), ['path', 'bulk', '--rate', '1gbit', '--rtt', '1ms', '--cross-traffic', 'poisson:1000gbit'], { signal: interrupt.signal })
  t.is(exitCode, 130)
  t.is(stderr, 'interrupted\n')
  t.true(process.cpuUsage(before).user < 5e6)
})
