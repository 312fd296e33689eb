import test from 'ava'
import { TCP_PRESETS, tcpOptions } from '../../../src/sim/tcp/options.ts'
import { CLIENT, connectedPair, DROP, MS, S, SERVER } from './scripted-network.ts'
import type { Pair } from './scripted-network.ts'

const DELAY = 40 * MS
const RTT = 2 * DELAY
const MSS = 1448
const LINUX = tcpOptions(TCP_PRESETS.linux)

function linuxPair (options: Parameters<typeof connectedPair>[1] = {}): Pair {
  return connectedPair(DELAY, { ...options, options: { ...LINUX, ...options.options } })
}

test('with tcp_syn_linear_timeouts 4 unanswered SYNs leave after 0, 1, 2, 3, 4, 5 and 7 s, each up to 32 ms late', t => {
  const { kernel, network } = linuxPair({ fate: () => DROP })
  kernel.run()
  const seconds = network.sent.map(({ atNs }) => atNs / S)
  t.deepEqual(seconds.map(Math.floor), [0, 1, 2, 3, 4, 5, 7])
  seconds.forEach((at, i) => t.true(at - Math.floor(at) <= 0.032 * i))
})

test('the last segment of a burst of several bears PSH, which a waiting application\'s host acknowledges at once', t => {
  const { kernel, client, network } = linuxPair({ options: { quickAcks: 0, receiveAutotuning: false } })
  client.write(3 * MSS)
  kernel.run()
  // Two are acknowledged together, the third because it ends the write.
  const acks = network.acknowledgements(SERVER)
  t.deepEqual(acks.map(({ atNs, acknowledgement }) => [atNs, (acknowledgement - 1) / MSS]), [[RTT + DELAY, 2], [RTT + DELAY, 3]])
})

// Linux 6.18 over a TUN device whose far end acknowledged nothing for 100 ms, with TCP_NODELAY: 15 writes of 1 B left as ten
// segments and, once these were acknowledged, one of 5 B; 40 writes of 100 B as ten, two full ones and what remained.
for (const [writes, bytes, held] of [[15, 1, [5]], [40, 100, [MSS, MSS, 3_000 - 2 * MSS]]] as const) {
  test(`the first window is ten segments, however small: of ${writes} writes of ${bytes} B the rest leaves joined`, t => {
    const { kernel, client, network } = linuxPair()
    kernel.run()
    const startNs = kernel.nowNs
    for (let i = 0; i < writes; i++) {
      client.send(bytes)
    }
    kernel.run()
    const sent = network.data(CLIENT)
    t.deepEqual(sent.filter(({ atNs }) => atNs === startNs).map(({ length }) => length), Array.from({ length: 10 }, () => bytes))
    t.deepEqual(sent.filter(({ atNs }) => atNs === startNs + RTT).map(({ length }) => length), [...held])
    t.is(client.acknowledgedBytes, writes * bytes)
  })
}

test('by the RFCs a window counts bytes: 15 writes of 1 B leave at once', t => {
  const { kernel, client, network } = connectedPair(DELAY, { options: TCP_PRESETS.rfc })
  kernel.run()
  for (let i = 0; i < 15; i++) {
    client.send(1)
  }
  t.deepEqual(network.data(CLIENT).map(({ length }) => length), Array.from({ length: 15 }, () => 1))
})

test('the window offered begins at 65,160 B and grows to take what slow start brings, up to the buffer', t => {
  const { kernel, client, network } = linuxPair({ options: { receiveBufferBytes: 4 * 1024 * 1024 } })
  client.write(1e9)
  kernel.run(20 * RTT)
  const windows = network.sent.filter(({ from }) => from === SERVER).map(({ window }) => window)
  t.is(windows[0], 65_160)
  t.true(Math.max(...windows) <= 4 * 1024 * 1024)
  t.true(windows[windows.length - 1] > 3.9 * 1024 * 1024)
  client.abort()
})

test('what comes twice is reported as a duplicate before other blocks (RFC 2883)', t => {
  let lost = false
  const { kernel, client, network } = linuxPair({
    fate: ({ from, length, flags }) => {
      // The acknowledgement of the only segment is lost, so that a probe brings it once more.
      const drop = !lost && from === SERVER && length === 0 && flags === 16
      lost ||= drop
      return drop ? DROP : 0
    }
  })
  client.write(100)
  kernel.run()
  t.is(client.acknowledgedBytes, 100)
  t.is(client.timeouts, 0)
  t.is(network.data(CLIENT).length, 2)
  t.deepEqual(network.acknowledgements(SERVER).map(({ sackBlocks }) => sackBlocks), [[], [1, 101]])
})

test('an answer within 40 ms of what is answered bears its acknowledgement: interactive receivers wait', t => {
  const { kernel, client, network } = linuxPair({
    onAccept: socket => {
      socket.handler = { onConnected () {}, onData () { socket.write(10) }, onRemoteClose () {}, onClosed () {} }
    }
  })
  kernel.run(RTT)
  for (let i = 0; i < 30; i++) {
    client.write(10)
    kernel.run(kernel.nowNs + 2 * RTT)
  }
  t.is(network.data(SERVER).length, 30)
  t.true(network.acknowledgements(SERVER).length <= 1)
})
