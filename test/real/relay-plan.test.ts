import test from 'ava'
import { randomStream } from '../../src/core/random.ts'
import { FaultPlan } from '../../src/wires/tcp/fault-plan.ts'
import { PathPipe, wireBytes } from '../../src/wires/tcp/path-pipe.ts'
import type { Fault, PathDirection } from '../../src/wires/scenario.ts'

const pair = { from: 'a', to: 'b' }

function planOf (...faults: Fault[]): FaultPlan {
  return new FaultPlan(faults, pair, 1000)
}

function pipeOf (description: PathDirection, faults = planOf()): PathPipe {
  return new PathPipe(description, 2 * description.delayMs, faults, randomStream('test'))
}

test('payload is charged 52 bytes of headers for each segment of 1448', t => {
  t.is(wireBytes(1), 53)
  t.is(wireBytes(1448), 1500)
  t.is(wireBytes(1449), 1449 + 2 * 52)
})

test('what is sent while the line is busy waits for it, and then crosses', t => {
  // 1500 B at 12 Mbit/s take 1 ms.
  const pipe = pipeOf({ delayMs: 10, rateBitsPerSecond: 12e6 })
  t.is(pipe.arrive(pipe.depart(5, 1500)), 5 + 1 + 10)
  t.is(pipe.arrive(pipe.depart(5, 1500)), 5 + 2 + 10)
  t.is(pipe.arrive(pipe.depart(20, 1500)), 20 + 1 + 10)
})

test('jitter delays by less than its bound and never reorders', t => {
  const pipe = pipeOf({ delayMs: 10, jitter: { distribution: 'uniform', boundMs: 5 } })
  let last = 0
  for (let nowMs = 0; nowMs < 200; nowMs++) {
    const arrivalMs = pipe.arrive(pipe.depart(nowMs, 1500))
    t.true(arrivalMs >= nowMs + 10 && arrivalMs < nowMs + 10 + 5)
    t.true(arrivalMs >= last)
    last = arrivalMs
  }
})

test('a stall stops the line for its length, and holds what was crossing', t => {
  const faults = planOf({ kind: 'stall', ...pair, atMs: 10, durationMs: 100 })
  const pipe = pipeOf({ delayMs: 5, rateBitsPerSecond: 12e6 }, faults)
  // Sent 1 ms before the stall, 3 ms long: two of them after its end.
  t.is(pipe.depart(1009, 4500), 1110 + 2)
  const crossing = pipeOf({ delayMs: 5 }, faults)
  t.is(crossing.arrive(crossing.depart(1008, 1500)), 1110)
  t.is(crossing.arrive(crossing.depart(1200, 1500)), 1205)
})

test('a change of rate counts from its moment on, within a packet too', t => {
  const faults = planOf({ kind: 'rate', ...pair, atMs: 10, rateBitsPerSecond: 6e6 })
  const pipe = pipeOf({ delayMs: 0, rateBitsPerSecond: 12e6 }, faults)
  // 3 ms at the old rate: one before the change, two times two after it.
  t.is(pipe.depart(1009, 4500), 1010 + 4)
})

test('a black hole takes what is sent within it, and connections as its scope says', t => {
  const all = planOf({ kind: 'black-hole', ...pair, atMs: 10, durationMs: 20, scope: 'all' })
  t.is(all.blackHoleUntil(1009, 0), undefined)
  t.is(all.blackHoleUntil(1010, 1010), 1030)
  t.is(all.blackHoleUntil(1030, 0), undefined)
  const existing = planOf({ kind: 'black-hole', from: 'b', to: 'a', atMs: 10, scope: 'existing' })
  t.is(existing.blackHoleUntil(1011, 1009), Infinity)
  t.is(existing.blackHoleUntil(1011, 1010), undefined)
})

test('faults of other paths are none of this one', t => {
  const faults = planOf({ kind: 'stall', from: 'a', to: 'c', atMs: 0, durationMs: 100 }, { kind: 'reset', from: 'b', to: 'a', atMs: 7 })
  t.is(faults.passable(1010), 1010)
  t.deepEqual(faults.resetsAtMs, [1007])
})
