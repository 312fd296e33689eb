import test from 'ava'
import { WITHOUT_SACK } from './without-sack.ts'
import { at, CLIENT, connectedPair, DROP, MS, S, SERVER } from './scripted-network.ts'

const DELAY = 40 * MS
const RTT = 2 * DELAY
const MSS = 1448
const slow = { quickAcks: 0 }

test('a lone segment is acknowledged after 40 ms', t => {
  const { kernel, client, network } = connectedPair(DELAY, { options: slow })
  at(kernel, S, () => client.write(100))
  kernel.run()
  t.deepEqual(network.acknowledgements(SERVER).map(({ atNs }) => atNs), [S + DELAY + 40 * MS])
})

test('every second full segment is acknowledged at once', t => {
  const { kernel, client, network } = connectedPair(DELAY, { options: slow })
  at(kernel, S, () => client.write(5 * MSS))
  kernel.run()
  const acks = network.acknowledgements(SERVER).map(({ atNs, acknowledgement }) => [atNs - S - DELAY, (acknowledgement - 1) / MSS])
  t.deepEqual(acks, [[0, 2], [0, 4], [40 * MS, 5]])
})

test('the first 16 segments are acknowledged one by one', t => {
  const { kernel, client, network } = connectedPair(DELAY)
  for (let i = 0; i < 20; i++) {
    at(kernel, (1 + i) * S, () => client.write(MSS))
  }
  kernel.run()
  const delays = network.acknowledgements(SERVER).map(({ atNs }) => (atNs - DELAY) % S)
  t.deepEqual(delays, [...Array.from({ length: 16 }, () => 0), ...Array.from({ length: 4 }, () => 40 * MS)])
})

test('an answer within 40 ms carries the acknowledgement', t => {
  const { kernel, client, network, ...pair } = connectedPair(DELAY, {
    options: slow,
    onAccept: socket => {
      pair.serverJournal.onData = () => at(kernel, kernel.nowNs + 39 * MS, () => socket.write(50))
    }
  })
  at(kernel, S, () => client.write(100))
  kernel.run()
  t.is(network.acknowledgements(SERVER).length, 0)
  t.deepEqual(network.data(SERVER).map(({ atNs, acknowledgement }) => [atNs, acknowledgement]), [[S + DELAY + 39 * MS, 101]])
})

test('segments out of order, and the one that fills the hole, are acknowledged at once', t => {
  let count = 0
  const { kernel, client, network } = connectedPair(DELAY, {
    options: slow,
    fate: ({ from, length }) => from === CLIENT && length > 0 && count++ === 0 ? 10 * MS : 0
  })
  at(kernel, S, () => client.write(3 * MSS))
  kernel.run()
  const acks = network.acknowledgements(SERVER).map(({ atNs, acknowledgement }) => [atNs - S - DELAY, (acknowledgement - 1) / MSS])
  t.deepEqual(acks, [[0, 0], [0, 0], [10 * MS, 3]])
})

test('a receiver that does not read stops the sender at its buffer; reading lets it go on', t => {
  const receiveBufferBytes = 20 * MSS
  const pair = connectedPair(DELAY, {
    serverOptions: { receiveBufferBytes },
    onAccept: socket => { socket.autoRead = false }
  })
  const { kernel, client, serverJournal, network } = pair
  client.write(50 * MSS)
  kernel.run(10 * S)
  t.is(serverJournal.bytes, 20 * MSS)
  t.is(client.unsentBytes, 30 * MSS)
  const [last] = network.acknowledgements(SERVER).slice(-1)
  t.is(last.window, 0)
  at(kernel, 20 * S, () => pair.server?.read(20 * MSS))
  kernel.run(20 * S + 10 * RTT)
  t.is(serverJournal.bytes, 40 * MSS)
  const resumed = network.data(CLIENT).find(({ atNs }) => atNs >= 20 * S)
  t.is(resumed?.atNs, 20 * S + DELAY)
})

test('a closed window is probed at doubling intervals, and a lost window update is found out by the next probe', t => {
  let muted = false
  const pair = connectedPair(DELAY, {
    serverOptions: { receiveBufferBytes: 10 * MSS },
    onAccept: socket => { socket.autoRead = false },
    fate: ({ from }) => from === SERVER && muted ? DROP : 0
  })
  const { kernel, client, serverJournal, network } = pair
  client.write(20 * MSS)
  kernel.run(4 * S)
  const probes = network.acknowledgements(CLIENT).map(({ atNs }) => atNs)
  const gaps = probes.slice(1).map((atNs, i) => atNs - probes[i])
  t.true(gaps.length >= 2)
  for (let i = 1; i < gaps.length; i++) {
    t.is(gaps[i], 2 * gaps[i - 1])
  }
  muted = true
  pair.server?.read(10 * MSS)
  kernel.run(4 * S + 1)
  muted = false
  const next = probes[probes.length - 1] + 2 * gaps[gaps.length - 1]
  kernel.run(next + 2 * RTT)
  t.is(serverJournal.bytes, 20 * MSS)
  t.is(network.data(CLIENT).find(({ atNs }) => atNs > 4 * S)?.atNs, next + RTT)
})

test('the window bounds throughput: one receive buffer a round trip', t => {
  const { kernel, client, serverJournal } = connectedPair(DELAY, { options: { receiveBufferBytes: 64 * MSS } })
  client.write(1e9)
  kernel.run(1 * S)
  const before = serverJournal.bytes
  kernel.run(1 * S + 100 * RTT)
  client.abort()
  t.is((serverJournal.bytes - before) / 100, 64 * MSS)
})

test('without SACK, too, acknowledgements ride on answers after something came twice', t => {
  let late = true
  const pair = connectedPair(DELAY, {
    options: { ...slow, ...WITHOUT_SACK, undo: true },
    // The first answer is late, so that the question is sent again for nothing.
    fate: ({ from, length }) => {
      const extraNs = from === SERVER && length > 0 && late ? 2 * S : 0
      late &&= extraNs === 0
      return extraNs
    }
  })
  const { kernel, client, network } = pair
  pair.serverJournal.onData = () => pair.server?.write(100)
  at(kernel, S, () => client.write(100))
  kernel.run()
  const before = network.acknowledgements(SERVER).length
  t.true(network.data(CLIENT).length > 1)
  at(kernel, kernel.nowNs + 10 * S, () => client.write(100))
  kernel.run()
  t.is(network.acknowledgements(SERVER).length, before)
})
