import { execFile } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import test from 'ava'
import type { ExecutionContext } from 'ava'
import { FlowCounters } from '../../src/sim/observe/flow-counters.ts'
import { NUMBERED } from '../../src/sim/observe/nodes.ts'
import { PacketCapture } from '../../src/sim/observe/packet-capture.ts'
import type { CaptureOptions } from '../../src/sim/observe/packet-capture.ts'
import { temporaryDirectory } from '../fixtures/run-cli.ts'
import { IGNORING } from '../../src/sim/tcp/socket-handler.ts'
import { CLIENT, Collected, MS, PORT, SERVER, TracedPath } from '../sim/observe/observe-tools.ts'

// What Wireshark's own analysis says of captures: the judge is not ours. `.ci/run` installs it.

const run = promisify(execFile)

const found = await run('tshark', ['--version']).then(({ stdout }) => stdout.split('\n')[0], () => undefined)
const check = found === undefined ? test.skip : test

test(`tshark ${found === undefined ? 'is not on the PATH: nothing was checked against Wireshark' : 'is there'}`, t => {
  t.log(found ?? 'not found')
  t.pass()
})

/** Cells by line, of the packets that the filter lets pass. */
async function tshark (file: string, filter: string, fields: readonly string[], options: readonly string[] = []): Promise<string[][]> {
  const args = ['-n', '-r', file, ...options, ...(filter === '' ? [] : ['-Y', filter]), '-T', 'fields', ...fields.flatMap(field => ['-e', field]), '-E', 'separator=|']
  const { stdout } = await run('tshark', args, { maxBuffer: 2 ** 28 })
  return stdout === '' ? [] : stdout.trimEnd().split('\n').map(line => line.split('|'))
}

async function captured (t: ExecutionContext, path: TracedPath, act: (path: TracedPath) => void, options: Omit<CaptureOptions, 'labels'> = {}): Promise<string> {
  const collected = new Collected()
  const capture = new PacketCapture(path.network, collected.sink, { labels: NUMBERED, ...options })
  path.network.observers.add(capture)
  act(path)
  path.run()
  capture.finish()
  const file = join(await temporaryDirectory(t), 'capture.pcapng')
  await writeFile(file, collected.bytes)
  return file
}

const CLEAN: ReadonlyArray<readonly [string, (path: TracedPath) => void]> = [
  ['a bulk transfer', path => path.transfer(3e6)],
  ['requests and replies, closed by the client', path => path.askAndAnswer(50)],
  ['requests and replies, closed by the server', path => path.askAndAnswer(50, 'server')],
  ['a connection that is opened and closed at once', path => path.transfer(0)]
]

for (const [what, act] of CLEAN) {
  for (const at of [CLIENT, SERVER]) {
    check(`on a clean path Wireshark finds nothing wrong with ${what}, seen at the ${at === CLIENT ? 'client' : 'server'}`, async t => {
      const file = await captured(t, new TracedPath(), act, { at })
      const frames = await tshark(file, '', ['tcp.stream', 'tcp.analysis.flags', '_ws.malformed', 'tcp.completeness'], ['-2'])
      t.true(frames.length >= 6)
      // The stream is whole: SYN, SYN-ACK, ACK, data where there are, FIN (1 + 2 + 4 + 8 + 16).
      const whole = what.includes('at once') ? '23' : '31'
      t.deepEqual(frames.filter(cells => cells.join() !== `0,,,${whole}`), [])
    })
  }
}

check('every checksum of IP and TCP is good', async t => {
  const file = await captured(t, new TracedPath({ bottleneck: { rateBitsPerSecond: 10e6, delayNs: 19 * MS, loss: { model: 'bernoulli', probability: 0.02 } } }), path => path.transfer(500_000), { payload: true })
  const statuses = await tshark(file, 'tcp', ['ip.checksum.status', 'tcp.checksum.status'], ['-o', 'ip.check_checksum:TRUE', '-o', 'tcp.check_checksum:TRUE'])
  t.true(statuses.length > 500)
  t.true(statuses.every(([ip, tcp]) => ip === '1' && tcp === '1'))
})

check('the round trip of the handshake is the path\'s', async t => {
  const file = await captured(t, new TracedPath(), path => path.transfer(100_000))
  const [[rtt]] = await tshark(file, 'frame.number == 3', ['tcp.analysis.initial_rtt'])
  // 40 ms, and 60 B over 1 Gbit/s and over 10 Mbit/s, forth and back.
  t.is(Number(rtt), 0.04 + 2 * (60 * 8 / 1e9 + 60 * 8 / 10e6))
})

check('Wireshark counts the retransmissions that the sender counts, at several losses', async t => {
  for (const [seed, probability, limitPackets] of [['a', 0.005, 100], ['b', 0.02, 100], ['c', 0.05, 100], ['d', 0, 15]] as const) {
    const path = new TracedPath({ seed, bottleneck: { rateBitsPerSecond: 10e6, delayNs: 19 * MS, ...(probability === 0 ? {} : { loss: { model: 'bernoulli', probability } as const }), queue: { limitPackets } } })
    const flows = new FlowCounters(path.network)
    path.network.observers.add(flows)
    const file = await captured(t, path, path => path.transfer(1e6))
    // What is sent again soon after other data is 'out of order' to Wireshark, which knows only its own side's clock.
    const frames = await tshark(file, '', ['ip.src', 'tcp.analysis.retransmission', 'tcp.analysis.out_of_order', 'frame.comment', 'tcp.analysis.ack_lost_segment', '_ws.malformed'])
    const again = frames.filter(([source, retransmission, outOfOrder]) => source === '10.0.0.1' && (retransmission === '1' || outOfOrder === '1'))
    t.is(again.length, flows.flow(1, CLIENT)?.retransmitted.packets ?? -1)
    t.true(again.length > 0)
    // Each drop has its comment, and disturbs no analysis.
    const { droppedLoss, droppedQueue } = path.bottleneck.counters
    t.is(frames.filter(([source, , , comment]) => source === '' && comment !== '').length, droppedLoss + droppedQueue)
    t.deepEqual(frames.filter(cells => cells[4] !== '' || cells[5] !== ''), [])
  }
})

check('the window that Wireshark computes is the sender\'s limit, and a closed one is seen to close and to open', async t => {
  const file = await captured(t, new TracedPath({ tcp: { receiveBufferBytes: 65_536, receiveAutotuning: false } }), path => {
    path.serverHost.listen(PORT, socket => {
      socket.autoRead = false
      socket.handler = { ...IGNORING, onRemoteClose: () => socket.close() }
      path.kernel.schedule(1000 * MS, path.kernel.define(() => socket.read(socket.deliveredBytes), 'event'), 0)
    })
    const client = path.clientHost.connect(SERVER, PORT)
    client.handler = { ...IGNORING, onConnected: () => client.write(65_536) }
  })
  const windows = await tshark(file, 'ip.src == 10.0.0.3 && tcp.flags.syn == 0', ['tcp.window_size'])
  t.is(Math.max(...windows.map(([bytes]) => Number(bytes))), 65_536)
  t.is(Math.min(...windows.map(([bytes]) => Number(bytes))), 0)
  const flags = await tshark(file, 'tcp.analysis.flags', ['tcp.analysis.zero_window', 'tcp.analysis.window_full', 'tcp.analysis.window_update'])
  t.deepEqual([0, 1, 2].map(i => flags.some(cells => cells[i] === '1')), [true, true, true])
})

check('Wireshark sees ECN agreed on, marks as many as the queue set, echoes and answers, and no loss', async t => {
  const path = new TracedPath({ bottleneck: { rateBitsPerSecond: 10e6, delayNs: 19 * MS, queue: { discipline: 'codel', ecn: true } }, tcp: { ecn: 'on' } })
  const file = await captured(t, path, path => path.transfer(3e6), { at: SERVER })
  const frames = await tshark(file, '', ['ip.src', 'ip.dsfield.ecn', 'tcp.flags.syn', 'tcp.flags.ece', 'tcp.flags.cwr', 'tcp.analysis.flags'])
  t.deepEqual(frames.slice(0, 2).map(cells => cells.slice(2, 5)), [['1', '1', '1'], ['1', '1', '0']])
  const marks = frames.filter(([, ecn]) => ecn === '3').length
  t.true(marks > 0)
  t.is(marks, path.bottleneck.counters.marked)
  const data = frames.slice(2)
  t.true(data.some(([source, , , echo]) => source === '10.0.0.3' && echo === '1'))
  t.true(data.some(([source, , , , reduced]) => source === '10.0.0.1' && reduced === '1'))
  t.deepEqual(frames.filter(cells => cells[5] !== ''), [])
})

check('a refused and an aborted connection are what they are to Wireshark', async t => {
  const refused = await captured(t, new TracedPath(), path => { path.clientHost.connect(SERVER, PORT).handler = IGNORING })
  t.deepEqual(await tshark(refused, '', ['tcp.flags.str', 'tcp.seq_raw']).then(rows => rows[1]), ['·······A·R··', '0'])
  t.deepEqual(await tshark(refused, 'tcp.analysis.flags', ['frame.number']), [])
  const aborted = await captured(t, new TracedPath(), path => {
    path.serverHost.listen(PORT, socket => { socket.handler = IGNORING })
    const client = path.clientHost.connect(SERVER, PORT)
    client.handler = { ...IGNORING, onConnected: () => client.write(30_000) }
    path.kernel.schedule(60 * MS, path.kernel.define(() => client.abort(), 'event'), 0)
  })
  t.deepEqual(await tshark(aborted, 'tcp.analysis.flags', ['frame.number']), [])
})
