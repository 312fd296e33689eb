import test from 'ava'
import * as fc from 'fast-check'
import { randomStream } from '../../../src/core/random.ts'
import { MAX_SACK_BLOCKS, Packets } from '../../../src/sim/packets.ts'
import { Reassembly } from '../../../src/sim/tcp/reassembly.ts'
import { Scoreboard } from '../../../src/sim/tcp/scoreboard.ts'
import { at, connectedPair, DROP, MS } from './scripted-network.ts'

const writes = fc.array(fc.record({ atMs: fc.integer({ min: 0, max: 3000 }), bytes: fc.integer({ min: 1, max: 60_000 }) }), { maxLength: 12 })

test('whatever is lost, late, marked or out of order, each byte is delivered once, the FIN after the last, and nothing is left', t => {
  fc.assert(fc.property(
    fc.string(), fc.double({ min: 0, max: 0.25, noNaN: true }), fc.integer({ min: 0, max: 60 }), fc.boolean(), writes, writes,
    fc.constantFrom(6 * 2 ** 20, 64_000, 5000),
    fc.record({ ecn: fc.constantFrom('off', 'accept', 'on'), delayedAcks: fc.constantFrom('adaptive', 'constant'), hystart: fc.constantFrom('classic', 'plus-plus'), congestion: fc.constantFrom('reno', 'cubic', 'bbr'), keepAlive: fc.boolean() }),
    (seed, loss, lateMs, sack, clientWrites, serverWrites, receiveBufferBytes, ways) => {
      const random = randomStream(seed)
      const pair = connectedPair(20 * MS, {
        fate: () => random.next() < loss ? DROP : random.integer(1 + lateMs * MS),
        // So that no connection is given up: 0.5^60 is the chance of that at the worst.
        options: { ...ways, sack, receiveBufferBytes, maximumSyns: 60, maximumSynAcks: 60, maximumTimeouts: 60 }
      })
      const { kernel, client, clientJournal, serverJournal } = pair
      pair.network.marks = () => random.next() < loss
      const written = (list: ReadonlyArray<{ bytes: number }>): number => list.reduce((sum, { bytes }) => sum + bytes, 0)
      serverJournal.onConnected = () => {
        for (const { atMs, bytes } of serverWrites) {
          at(kernel, kernel.nowNs + atMs * MS, () => pair.server?.write(bytes))
        }
        at(kernel, kernel.nowNs + 3001 * MS, () => pair.server?.close())
      }
      for (const { atMs, bytes } of clientWrites) {
        at(kernel, atMs * MS, () => client.write(bytes))
      }
      at(kernel, 3001 * MS, () => client.close())
      kernel.run()
      t.is(serverJournal.bytes, written(clientWrites))
      t.is(clientJournal.bytes, written(serverWrites))
      for (const { entries } of [clientJournal, serverJournal]) {
        t.deepEqual(entries.map(({ what }) => what).filter(what => what !== 'data' && what !== 'drain' && what !== 'connected'), ['remote close', 'closed'])
        t.true(entries.findLastIndex(({ what }) => what === 'data') < entries.findIndex(({ what }) => what === 'remote close'))
      }
      t.is(kernel.pending, 0)
      t.is(pair.network.packets.live, 0)
      t.is(pair.clientHost.socketCount + pair.serverHost.socketCount, 0)
    }), { numRuns: 150 })
})

test('reassembly advances as a set of bytes would, and reports only what it holds, the latest first', t => {
  const segment = fc.tuple(fc.integer({ min: 0, max: 60 }), fc.integer({ min: 1, max: 12 }))
  fc.assert(fc.property(fc.array(segment, { maxLength: 60 }), segments => {
    const packets = new Packets()
    const id = packets.allocate()
    const reassembly = new Reassembly()
    const held = new Set<number>()
    let next = 0
    for (const [start, length] of segments) {
      const end = start + length
      if (end <= next) {
        continue
      }
      for (let byte = Math.max(start, next); byte < end; byte++) {
        held.add(byte)
      }
      if (start > next) {
        reassembly.insert(start, end)
      } else {
        next = reassembly.advance(end)
      }
      let expected = next
      for (; held.has(expected); expected++) {
        t.true(expected < next)
      }
      t.true([...held].every(byte => byte >= next) || !held.has(next))
      for (const byte of held) {
        if (byte < next) {
          held.delete(byte)
        }
      }
      reassembly.report(packets, id, 0, 0)
      const count = packets.sackCount[id]
      const blocks = [...packets.sackBlocks.subarray(id * 2 * MAX_SACK_BLOCKS, (id * 2 * MAX_SACK_BLOCKS) + 2 * count)]
      t.is(reassembly.empty, held.size === 0)
      for (let i = 0; i < blocks.length; i += 2) {
        // A block is a whole interval: what it holds is held, and its neighbours are not.
        t.true(!held.has(blocks[i] - 1) && !held.has(blocks[i + 1]))
        for (let byte = blocks[i]; byte < blocks[i + 1]; byte++) {
          t.true(held.has(byte))
        }
      }
      if (start > next) {
        t.true(blocks[0] <= start && end <= blocks[1])
      }
    }
  }), { numRuns: 300 })
})

test('the scoreboard\'s pipe is the sum over its segments of what neither arrived nor was lost, and of copies', t => {
  const step = fc.record({ kind: fc.constantFrom('send', 'send', 'sack', 'sack', 'acknowledge', 'retransmit', 'timeout', 'probe', 'undo'), a: fc.nat(30), b: fc.integer({ min: 1, max: 6 }) })
  fc.assert(fc.property(fc.array(step, { maxLength: 120 }), steps => {
    const packets = new Packets()
    const id = packets.allocate()
    const board = new Scoreboard()
    const model: Array<{ start: number, length: number, arrived: boolean, lost: boolean, copied: boolean }> = []
    let next = 1
    for (const { kind, a, b } of steps) {
      if (kind === 'send') {
        board.add(next, 100 * b, false, 0)
        model.push({ start: next, length: 100 * b, arrived: false, lost: false, copied: false })
        next += 100 * b
      } else if (kind === 'sack' && a > 0 && a < model.length) {
        const chosen = model.slice(a, a + b)
        const last = chosen[chosen.length - 1]
        packets.sackCount[id] = 1
        packets.sackBlocks.set([chosen[0].start, last.start + last.length], id * 2 * MAX_SACK_BLOCKS)
        board.acknowledgeBlocks(packets, id)
        board.markLosses()
        for (const segment of chosen) {
          Object.assign(segment, { arrived: true, lost: false, copied: false })
        }
        model.forEach((segment, i) => {
          segment.lost ||= !segment.arrived && model.slice(i + 1).filter(later => later.arrived).length >= 3
        })
      } else if (kind === 'acknowledge') {
        const removed = model.splice(0, a % 4)
        const first = model[0]
        if (removed.length > 0) {
          board.acknowledge(first === undefined ? next : first.start)
        }
      } else if (kind === 'retransmit') {
        const segment = board.nextLost()
        const expected = model.find(({ lost, copied }) => lost && !copied)
        t.is(segment < 0 ? undefined : board.start(segment), expected?.start)
        if (expected !== undefined) {
          board.markRetransmitted(segment, 0)
          expected.copied = true
        }
      } else if (kind === 'timeout') {
        board.markAllLost(Infinity)
        for (const segment of model.filter(({ arrived }) => !arrived)) {
          Object.assign(segment, { lost: true, copied: false })
        }
      } else if (kind === 'probe' && model.length > 0 && !model[model.length - 1].arrived) {
        // Of what is lost one copy counts, however many were sent; of what is not, none.
        board.markRetransmitted(board.last, 0)
        model[model.length - 1].copied = model[model.length - 1].lost
      } else if (kind === 'undo') {
        board.unmarkLosses()
        for (const segment of model.filter(({ lost, copied }) => lost && !copied)) {
          segment.lost = false
        }
      }
      const pipeBytes = model.reduce((sum, { length, arrived, lost, copied }) => sum + (arrived ? 0 : (lost ? 0 : length) + (copied ? length : 0)), 0)
      t.is(board.pipeBytes, pipeBytes)
    }
  }), { numRuns: 300 })
})
