import test from 'ava'
import { at, CLIENT, connectedPair, DROP, MS, S } from './scripted-network.ts'

const DELAY = 40 * MS
const RTT = 2 * DELAY
const MSS = 1448

for (const [segments, rounds] of [[10, 1], [30, 2], [100, 4], [1000, 7]]) {
  test(`without loss ${segments} segments take ceil(log2(${segments}/10 + 1)) = ${rounds} rounds, delayed acknowledgements or not`, t => {
    t.is(rounds, Math.ceil(Math.log2(segments / 10 + 1)))
    const { kernel, client, serverJournal } = connectedPair(DELAY)
    client.write(segments * MSS)
    kernel.run()
    t.is(serverJournal.bytes, segments * MSS)
    // One RTT to connect; the last round needs only to arrive.
    t.is(serverJournal.last('data'), RTT + (rounds - 1) * RTT + DELAY)
  })
}

test('Reno under periodic loss: rate = MSS/RTT sqrt(3/(2p)) within 3%, for bytes are counted and not acknowledgements', t => {
  // The formula leaves out the round trip of the recovery, one in W/2 + 1 with W = sqrt(8/(3p)): 1.2% here.
  const period = 10_000
  let count = 0
  const { kernel, client, serverJournal } = connectedPair(DELAY, {
    fate: ({ length }) => length > 0 && ++count % period === 0 ? DROP : 0
  })
  client.write(1e12)
  const settledNs = 40 * S
  kernel.run(settledNs)
  const before = serverJournal.bytes
  const seconds = 20 * Math.sqrt(8 * period / 3) / 2 * RTT / S
  kernel.run(settledNs + Math.round(seconds * S))
  client.abort()
  const rate = (serverJournal.bytes - before) / seconds
  const theory = MSS / (RTT / S) * Math.sqrt(3 * period / 2)
  t.true(Math.abs(rate / theory - 1) < 0.03, `${rate / theory} of theory`)
  t.is(client.timeouts, 0)
})

test('the window does not grow while the application and not the window limits sending', t => {
  const { kernel, client } = connectedPair(DELAY)
  for (let i = 0; i < 100; i++) {
    at(kernel, (1 + i) * RTT, () => client.write(2 * MSS))
  }
  kernel.run()
  t.is(client.cwndBytes, 10 * MSS)
})

for (const slowStartAfterIdle of [true, false]) {
  test(`after a second of idleness the window is ${slowStartAfterIdle ? 'the initial one' : 'the old one, where restarting is off'}`, t => {
    const { kernel, client, network } = connectedPair(DELAY, { options: { slowStartAfterIdle } })
    client.write(150 * MSS)
    kernel.run(2 * S)
    t.is(client.queuedBytes, 0)
    const grown = client.cwndBytes
    t.true(grown > 70 * MSS)
    at(kernel, 3 * S, () => client.write(150 * MSS))
    kernel.run(3 * S)
    const burst = network.data(CLIENT).filter(({ atNs }) => atNs === 3 * S).length
    t.is(burst, slowStartAfterIdle ? 10 : Math.min(150, Math.floor(grown / MSS)))
  })
}

test('writes of one instant leave in full segments at its end', t => {
  const { kernel, client, network } = connectedPair(DELAY)
  at(kernel, 1 * S, () => {
    for (let i = 0; i < 29; i++) {
      client.write(100)
    }
  })
  kernel.run()
  t.deepEqual(network.data(CLIENT).map(({ length, atNs }) => [length, atNs]), [[1448, S], [1448, S], [4, S]])
})

test('a short segment does not wait for acknowledgements (Nagle\'s algorithm is off)', t => {
  const { kernel, client, network } = connectedPair(DELAY)
  at(kernel, 1 * S, () => client.write(10))
  at(kernel, 1 * S + 1, () => client.write(20))
  kernel.run()
  t.deepEqual(network.data(CLIENT).map(({ length }) => length), [10, 20])
})

test('onDrain comes once the send buffer has taken what was written: when a third of it is free again', t => {
  // Single segments, each with 832 B of memory beside its payload: a buffer of 12 is full with 12.
  const { kernel, client, clientJournal } = connectedPair(DELAY, { options: { bursts: 'single', delayedAcks: 'constant', quickAcks: 64, sendBufferBytes: 12 * (MSS + 832) } })
  client.write(16 * MSS)
  t.is(client.unsentBytes, 16 * MSS)
  t.is(client.unwrittenBytes, 16 * MSS)
  kernel.run()
  // Ten leave at 1 RTT; at 2 RTT they are acknowledged one by one, two leave, and eight are left when the fourth is.
  t.is(clientJournal.at('drain'), 2 * RTT)
  t.is(client.unsentBytes, 0)
  t.is(client.acknowledgedBytes, 16 * MSS)
})
