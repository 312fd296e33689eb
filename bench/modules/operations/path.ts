import { systemClock } from '../../../src/core/clock.ts'
import { randomStream } from '../../../src/core/random.ts'
import { BandwidthManager } from '../../../src/optim/bandwidth/bandwidth-manager.ts'
import { BatchDecoder } from '../../../src/optim/batching/wire/batch-decoder.ts'
import { BatchEncoder } from '../../../src/optim/batching/wire/batch-encoder.ts'
import { Deadlines } from '../../../src/optim/deadlines.ts'
import { NetworkHealth } from '../../../src/optim/health/network-health.ts'
import { TRAFFIC_CLASSES } from '../../../src/optim/traffic-class.ts'
import type { Item } from '../../../src/optim/batching/wire/items.ts'
import type { TrafficClass } from '../../../src/optim/traffic-class.ts'
import type { Flow } from '../../../src/optim/uplink.ts'
import type { Operation } from './operation.ts'

const FLOWS = 1_000
const BATCH_MESSAGES = 50
const MESSAGE_BYTES = 100
const PENDING_DEADLINES = 1_000

/** What each message or batch passes on its way. */
export function pathOperations (): Operation[] {
  return [schedulerGrant(), encode(), decode(), ...observations(), deadlines()]
}

/** Sends a segment of what it is granted while it is allowed to, and then has no room until all have had their turn. */
class TurnFlow implements Flow {
  readonly peer: string
  readonly class: TrafficClass
  readonly #turns: { left: number }

  constructor (peer: string, trafficClass: TrafficClass, turns: { left: number }) {
    this.peer = peer
    this.class = trafficClass
    this.#turns = turns
  }

  get backlogBytes (): number {
    return this.#turns.left > 0 ? 1_000_000 : 0
  }

  transmit (): number {
    return this.#turns.left-- > 0 ? 1_460 : 0
  }
}

/** Among 1,000 flows that all wait, a rate that none waits for; counted a grant. */
function schedulerGrant (): Operation {
  const clock = systemClock
  const manager = new BandwidthManager({ clock, deadlines: new Deadlines(clock), random: randomStream('grants'), host: 'bench' }, { uploadBitsPerSecond: 1e15, burstBytes: 1e15 })
  const turns = { left: 0 }
  const flows = Array.from({ length: FLOWS }, (_, i) => new TurnFlow(`peer ${i}`, TRAFFIC_CLASSES[i % TRAFFIC_CLASSES.length], turns))
  return {
    name: `bandwidth: scheduler grant among ${FLOWS} flows of three classes, metering included`,
    count: FLOWS,
    of: 'grant',
    run () {
      turns.left = FLOWS
      for (const flow of flows) {
        manager.ready(flow)
      }
    }
  }
}

function items (): Item[] {
  return Array.from({ length: BATCH_MESSAGES }, (_, i) => ({ kind: 'request', id: i + 1, attempt: 1, protocol: '/bench/echo/1.0.0', payload: new Uint8Array(MESSAGE_BYTES).fill(i) }))
}

function encodeBatch (encoder: BatchEncoder, batch: readonly Item[]): Uint8Array {
  encoder.begin('normal')
  for (const item of batch) {
    encoder.sizeOf(item)
    encoder.add(item)
  }
  return encoder.finish({ codec: 'none', acknowledgement: { batch: 1, heldUs: 100 } }).frame
}

function encode (): Operation {
  const encoder = new BatchEncoder()
  const batch = items()
  return { name: `batching: encode, ${BATCH_MESSAGES} messages of ${MESSAGE_BYTES} B`, count: BATCH_MESSAGES, of: 'message', run: () => encodeBatch(encoder, batch) }
}

function decode (): Operation {
  const encoder = new BatchEncoder()
  const decoder = new BatchDecoder({ maximumFrameBytes: 64 * 1024, maximumPlainBytes: 64 * 1024, from: 'initiator' })
  // The first frame has the protocol's name in it, which is sent once.
  decoder.push(encodeBatch(encoder, items()))
  const frame = encodeBatch(encoder, items())
  return { name: `batching: decode, ${BATCH_MESSAGES} messages of ${MESSAGE_BYTES} B`, count: BATCH_MESSAGES, of: 'message', run: () => decoder.push(frame) }
}

function observations (): Operation[] {
  const deadlines = new Deadlines(systemClock)
  const health = new NetworkHealth({ clock: systemClock, deadlines, random: randomStream('health'), host: 'bench', actions: { probe: async () => 1, replace: async () => {} } })
  const ids = { peer: 'peer', connection: 'connection' }
  health.observe({ kind: 'connection', ...ids, nowMs: systemClock.now(), change: 'open' })
  const attempt = (): void => {
    const nowMs = systemClock.now()
    health.observe({ kind: 'attempt', ...ids, outcome: 'answered', sentMs: nowMs - 10, nowMs, reason: '' })
  }
  return [
    { name: 'health: observe life', run: () => health.observe({ kind: 'life', ...ids, nowMs: systemClock.now() }) },
    { name: 'health: observe a round trip', run: () => health.observe({ kind: 'round-trip', ...ids, nowMs: systemClock.now(), rttMs: 10 }) },
    { name: 'health: observe an attempt', run: attempt }
  ]
}

function deadlines (): Operation {
  const deadlines = new Deadlines(systemClock)
  const nothing = (): void => {}
  for (let i = 0; i < PENDING_DEADLINES; i++) {
    deadlines.after(1e6 + i, nothing)
  }
  return { name: `deadlines: after and cancel, ${PENDING_DEADLINES} pending`, run: () => deadlines.after(1e7, nothing).cancel() }
}
