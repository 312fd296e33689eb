import test from 'ava'
import * as fc from 'fast-check'
import { FakeNetwork } from './fake-network.ts'
import type { Clock } from '../../../src/core/clock.ts'

fc.configureGlobal({ seed: 1, numRuns: 10_000 })

/** A clock that is set by hand, with the one timer that `Deadlines` asks of it. */
class HandClock implements Clock {
  #nowMs = 0
  #timer: { readonly atMs: number, readonly callback: () => void } | undefined

  now (): number {
    return this.#nowMs
  }

  setTimeout (callback: () => void, delayMs: number): { cancel(): void } {
    const timer = { atMs: this.#nowMs + delayMs, callback }
    this.#timer = timer
    return {
      cancel: () => {
        if (this.#timer === timer) {
          this.#timer = undefined
        }
      }
    }
  }

  /** Time passes, and nothing is looked at. */
  stall (durationMs: number): void {
    this.#nowMs += durationMs
  }

  /** Time passes as it should. */
  advance (durationMs: number): void {
    const endMs = this.#nowMs + durationMs
    while (this.#timer !== undefined && this.#timer.atMs <= endMs) {
      const { atMs, callback } = this.#timer
      this.#timer = undefined
      this.#nowMs = Math.max(this.#nowMs, atMs)
      callback()
    }
    this.#nowMs = endMs
  }
}

/** What was under way to one peer when this node stopped: how long before, and how it ended. */
const underWay = fc.array(fc.record({ peer: fc.nat(7), agoMs: fc.nat(2000), outcome: fc.constantFrom('failed' as const, 'timeout' as const) }), { maxLength: 40 })

test('a local stall of any length ejects nobody', t => {
  const stallMs = fc.oneof(fc.nat(1000), fc.nat(120_000), fc.nat(10_000_000))
  fc.assert(fc.property(fc.integer({ min: 5, max: 8 }), fc.nat(3000), stallMs, underWay, fc.boolean(), (count, beforeMs, stallMs, underWay, deadlineFirst) => {
    const clock = new HandClock()
    const network = new FakeNetwork(clock)
    const peers = network.add(count, false)
    for (const peer of peers) {
      network.attempt(peer, 'answered')
    }
    clock.advance(2000 + beforeMs)
    const stalledMs = clock.now()
    clock.stall(stallMs)
    if (deadlineFirst) {
      clock.advance(0)
    }
    for (const { peer, agoMs, outcome } of underWay) {
      network.attempt(peers[peer % count], outcome, stalledMs - agoMs)
    }
    for (let look = 0; look < 6; look++) {
      clock.advance(2000)
      for (const peer of peers) {
        network.attempt(peer, 'answered')
      }
    }
    const open = peers.every(peer => network.health.admit(peer) === 'open')
    network.health.stop()
    return open && network.health.metrics.ejections === 0
  }))
  t.pass()
})

const step = fc.record({
  gapMs: fc.oneof(fc.nat(300), fc.nat(300), fc.nat(40_000)),
  peer: fc.nat(11),
  attempts: fc.integer({ min: 1, max: 6 }),
  outcome: fc.constantFrom('answered' as const, 'failed' as const, 'failed' as const)
})

test('whatever fails, the cap is kept, nobody is let in before time, and one probe at a time goes through', t => {
  fc.assert(fc.property(fc.array(step, { maxLength: 40 }), steps => {
    const clock = new HandClock()
    const network = new FakeNetwork(clock)
    const peers = network.add(12, false)
    peers.forEach(peer => network.attempt(peer, 'answered'))
    const probedMs = new Map<string, number>()
    for (const { gapMs, peer: index, attempts, outcome } of steps) {
      clock.advance(gapMs)
      const peer = peers[index]
      for (let attempt = 0; attempt < attempts; attempt++) {
        const admission = network.health.admit(peer)
        if (admission === 'probe') {
          // Before another its end is told, or 30 s have passed.
          if (clock.now() - (probedMs.get(peer) ?? -Infinity) < 30_000) {
            return false
          }
          probedMs.set(peer, clock.now())
        }
        // Each is sent after the one before has ended; of probes some are never told the end of.
        if (admission === 'open' || (admission === 'probe' && attempts > 1)) {
          probedMs.delete(peer)
          network.attempt(peer, outcome)
        }
        if (network.health.metrics.ejected > 1) {
          return false
        }
      }
    }
    network.health.stop()
    const outUntilMs = new Map<string, number>()
    for (const event of network.events) {
      if (event.type === 'health:ejected') {
        if (event.timeMs < (outUntilMs.get(event.peer) ?? 0)) {
          return false
        }
        outUntilMs.set(event.peer, event.timeMs + event.forMs)
      } else if (event.type === 'health:readmitted' && event.timeMs < (outUntilMs.get(event.peer) ?? Infinity)) {
        return false
      }
    }
    return true
  }))
  t.pass()
})
