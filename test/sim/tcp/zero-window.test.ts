import test from 'ava'
import { connectedPair, DROP, MS, S, SERVER, CLIENT } from './scripted-network.ts'
import type { Pair } from './scripted-network.ts'

const DELAY = 40 * MS
const RTT = 2 * DELAY
const MSS = 1448

/** A client whose peer reads nothing, its window soon closed. */
function closedWindow (fate: Parameters<typeof connectedPair>[1] = {}): Pair {
  const pair = connectedPair(DELAY, {
    options: { maximumTimeouts: 6 }, serverOptions: { receiveBufferBytes: 10 * MSS }, onAccept: socket => { socket.autoRead = false }, ...fate
  })
  pair.client.write(30 * MSS)
  return pair
}

/** When each window probe left. */
function probes ({ network }: Pair): number[] {
  return network.acknowledgements(CLIENT).filter(({ sequence }) => sequence === 10 * MSS).map(({ atNs }) => atNs)
}

test('RFC 9293 3.8.6.1: a window that never opens is probed for ever while the peer answers, at last every 120 s', t => {
  const pair = closedWindow()
  pair.kernel.run(3600 * S)
  t.is(pair.client.state, 'established')
  const times = probes(pair)
  const gaps = times.slice(1).map((atNs, i) => atNs - times[i])
  const doubled = gaps.filter(gap => gap < 120 * S)
  doubled.slice(1).forEach((gap, i) => t.is(gap, 2 * doubled[i]))
  t.true(gaps.slice(doubled.length).every(gap => gap === 120 * S))
  t.true(times.length > pair.client.sentSegments / 2 && times.length > 30, String(times.length))
  t.is(pair.client.timeouts, 0)
  pair.client.abort()
})

test('unanswered window probes end the connection after the number of timeouts allowed', t => {
  let silent = false
  const pair = closedWindow({ fate: ({ from }) => silent && from === SERVER ? DROP : 0 })
  const { kernel, clientJournal } = pair
  kernel.run(1 * S)
  const before = probes(pair).length
  silent = true
  kernel.run(3600 * S)
  t.true(clientJournal.at('timeout') !== undefined)
  // The count begins with the last answer.
  t.is(probes(pair).length - before, 6)
})

test('a probe takes no room: one that arrives after the window opened is only an acknowledgement', t => {
  const pair = closedWindow()
  const { kernel, serverJournal } = pair
  kernel.run(2 * S)
  pair.server?.read(10 * MSS)
  kernel.run(2 * S + 3 * RTT)
  t.is(serverJournal.bytes, 20 * MSS)
  pair.client.abort()
})

test('a FIN goes out though the window is closed, once what was written before it has gone (RFC 9293 3.8.6)', t => {
  const pair = connectedPair(DELAY, { serverOptions: { receiveBufferBytes: 10 * MSS }, onAccept: socket => { socket.autoRead = false } })
  const { kernel, client, serverJournal } = pair
  client.write(10 * MSS)
  client.close()
  kernel.run(1 * S)
  t.is(serverJournal.bytes, 10 * MSS)
  t.true(serverJournal.at('remote close') !== undefined)
  t.is(client.state, 'fin-wait-2')
  client.abort()
})
