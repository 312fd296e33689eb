import test from 'ava'
import { FLAG_FIN, FLAG_PSH, FLAG_SYN } from '../../../src/sim/packets.ts'
import { TcpHost } from '../../../src/sim/tcp/host.ts'
import { CLIENT, connectedPair, DROP, Journal, MS, PORT, S, ScriptedNetwork, SERVER } from './scripted-network.ts'

const DELAY = 40 * MS
const RTT = 2 * DELAY

test('connecting takes 1 RTT, and the listener has the connection half an RTT later', t => {
  const { kernel, clientJournal, serverJournal, client } = connectedPair(DELAY)
  t.is(client.state, 'syn-sent')
  kernel.run()
  t.is(clientJournal.at('connected'), RTT)
  t.is(serverJournal.at('connected'), 1.5 * RTT)
  t.is(client.state, 'established')
  t.is(client.srttNs, RTT)
})

test('the handshake is a SYN and a SYN-ACK of 60 B and an ACK of 52 B', t => {
  const { kernel, network } = connectedPair(DELAY)
  kernel.run()
  t.deepEqual(network.sent.map(({ size }) => size), [60, 60, 52])
})

test('what is written before the connection stands leaves with the handshake\'s ACK', t => {
  const { kernel, network, client, serverJournal } = connectedPair(DELAY)
  client.write(100)
  client.write(200)
  kernel.run()
  t.is(serverJournal.at('data'), 1.5 * RTT)
  t.is(serverJournal.bytes, 300)
  t.deepEqual(network.data(CLIENT).map(({ size }) => size), [352])
})

test('what is written when the connection stands follows the handshake\'s ACK', t => {
  const { kernel, network, client, clientJournal } = connectedPair(DELAY)
  clientJournal.onConnected = () => client.write(100)
  kernel.run()
  t.deepEqual(network.sent.slice(0, 4).map(({ size, atNs }) => [size, atNs]), [[60, 0], [60, RTT / 2], [52, RTT], [152, RTT]])
})

test('a FIN by itself bears no PSH, one behind data does', t => {
  for (const [bytes, pushed] of [[0, 0], [100, FLAG_PSH]]) {
    const { kernel, network, client } = connectedPair(DELAY)
    kernel.run(2 * RTT)
    client.write(bytes)
    client.close()
    kernel.run(3 * RTT)
    t.is((network.sent.find(({ from, flags }) => from === CLIENT && (flags & FLAG_FIN) !== 0)?.flags ?? 0) & FLAG_PSH, pushed)
  }
})

for (const [lost, connectedAtS] of [[1, 1], [2, 3], [3, 7], [5, 31]]) {
  test(`with ${lost} SYN(s) lost connecting takes ${connectedAtS} s + 1 RTT`, t => {
    const { kernel, clientJournal } = connectedPair(DELAY, { fate: (_, index) => index < lost ? DROP : 0 })
    kernel.run()
    t.is(clientJournal.at('connected'), connectedAtS * S + RTT)
  })
}

test('after 6 unanswered SYNs, at 0, 1, 3, 7, 15 and 31 s, connecting fails at 63 s', t => {
  const { kernel, network, client, clientJournal } = connectedPair(DELAY, { fate: () => DROP })
  kernel.run()
  t.deepEqual(network.sent.map(({ atNs }) => atNs / S), [0, 1, 3, 7, 15, 31])
  t.is(clientJournal.at('timeout'), 63 * S)
  t.is(client.state, 'closed')
  t.is(kernel.pending, 0)
})

test('a lost SYN-ACK is sent again when the client\'s SYN comes again after 1 s', t => {
  const { kernel, clientJournal } = connectedPair(DELAY, { fate: (_, index) => index === 1 ? DROP : 0 })
  kernel.run()
  t.is(clientJournal.at('connected'), 1 * S + RTT)
})

test('a lost handshake ACK is made up for by a SYN-ACK 1 s after the first', t => {
  const { kernel, serverJournal } = connectedPair(DELAY, { fate: (_, index) => index === 2 ? DROP : 0 })
  kernel.run()
  t.is(serverJournal.at('connected'), DELAY + 1 * S + RTT)
})

test('data completes the handshake where its ACK is lost', t => {
  const { kernel, client, serverJournal } = connectedPair(DELAY, { fate: (_, index) => index === 2 ? DROP : 0 })
  kernel.run(2 * RTT)
  client.write(10)
  kernel.run()
  t.is(serverJournal.at('connected'), 2 * RTT + DELAY)
  t.is(serverJournal.bytes, 10)
})

test('a half-open connection is forgotten after 6 SYN-ACKs', t => {
  const { kernel, network, client, serverHost } = connectedPair(DELAY, { fate: ({ from }) => from === SERVER ? DROP : 0, options: { maximumSyns: 1 } })
  kernel.run(0.5 * S)
  client.abort()
  kernel.run()
  const synAcks = network.sent.filter(({ from, flags }) => from === SERVER && (flags & FLAG_SYN) !== 0)
  t.is(synAcks.length, 6)
  t.is(serverHost.socketCount, 0)
  t.is(kernel.pending, 0)
})

test('a half-open connection is forgotten, too, where more SYNs come than SYN-ACKs may be sent', t => {
  const { kernel, serverHost } = connectedPair(DELAY, { fate: ({ from }) => from === SERVER ? DROP : 0, options: { maximumSyns: 12, linearSynTimeouts: 12 } })
  kernel.run()
  t.is(serverHost.socketCount, 0)
})

test('connecting where nobody listens is refused after 1 RTT', t => {
  const network = new ScriptedNetwork(DELAY)
  const host = new TcpHost(network, CLIENT)
  new TcpHost(network, SERVER).listen(PORT, () => t.fail()).close()
  const journal = new Journal(network.kernel)
  host.connect(SERVER, PORT).handler = journal
  network.kernel.run()
  t.deepEqual(journal.entries, [{ what: 'refused', atNs: RTT }])
  t.is(network.kernel.pending, 0)
  t.is(network.packets.live, 0)
})

test('a port is listened on once, and a stopped host neither listens nor connects', t => {
  const network = new ScriptedNetwork(DELAY)
  const host = new TcpHost(network, CLIENT)
  host.listen(PORT, () => {})
  t.throws(() => host.listen(PORT, () => {}), { code: 'ERR_PORT_IN_USE' })
  t.throws(() => host.connect(CLIENT, PORT), { code: 'ERR_UNSUPPORTED' })
  host.stop()
  t.throws(() => host.listen(PORT, () => {}), { code: 'ERR_STOPPED' })
  t.throws(() => host.connect(SERVER, PORT), { code: 'ERR_STOPPED' })
})

test('options that cannot be are refused by name', t => {
  const network = new ScriptedNetwork(DELAY)
  t.throws(() => new TcpHost(network, CLIENT, { mssBytes: -1 }), { code: 'ERR_INVALID_OPTION', message: /tcp\.mssBytes/ })
})

test('after two lost SYNs the first flight is one segment, after one it is ten', t => {
  for (const [lost, segments] of [[1, 10], [2, 1]]) {
    let left = lost
    const { kernel, client, network, clientJournal } = connectedPair(DELAY, { fate: ({ from }) => from === CLIENT && left-- > 0 ? DROP : 0 })
    client.write(20 * 1448)
    kernel.run()
    const connectedNs = clientJournal.at('connected')
    t.is(network.data(CLIENT).filter(({ atNs }) => atNs === connectedNs).length, segments)
  }
})

test('SYNs that are only late leave the initial window as it is: the SYN-ACK echoes the first', t => {
  const late = 4 * S
  const { kernel, client, network, clientJournal } = connectedPair(DELAY, { fate: ({ from, atNs }) => from === CLIENT && atNs < late ? late - atNs : 0 })
  client.write(20 * 1448)
  kernel.run()
  t.true(network.sent.filter(({ flags, from }) => from === CLIENT && (flags & FLAG_SYN) !== 0).length > 2)
  t.is(network.data(CLIENT).filter(({ atNs }) => atNs === clientJournal.at('connected')).length, 10)
})
