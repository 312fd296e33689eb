import test from 'ava'
import * as fc from 'fast-check'
import { sleep } from '../../../src/core/clock.ts'
import { TwinwireError } from '../../../src/core/errors.ts'
import { BatchDecoder } from '../../../src/optim/batching/wire/batch-decoder.ts'
import { INITIAL_FRAME_BYTES } from '../../../src/optim/batching/wire/format.ts'
import { PacedUplink } from './paced-uplink.ts'
import { outcome, setting } from './setting.ts'
import { decoded } from './wire/decoded.ts'
import type { BatchedOptions } from '../../../src/optim/batching/message-batching.ts'
import type { Setting, Side } from './setting.ts'
import type { Clock } from '../../../src/core/clock.ts'
import type { TrafficClass } from '../../../src/optim/traffic-class.ts'

type Step =
  | { readonly kind: 'send', readonly asks: boolean, readonly class: TrafficClass, readonly bytes: number, readonly how: number, readonly abortAfterMs: number | undefined, readonly overdue: boolean }
  | { readonly kind: 'break', readonly stream: number, readonly how: 'reset' | 'abort' | 'silent' | 'close' }
  | { readonly kind: 'refuse', readonly refuses: boolean }
  | { readonly kind: 'flush' }

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant('send' as const),
      asks: fc.boolean(),
      class: fc.constantFrom('urgent' as const, 'normal' as const, 'bulk' as const),
      bytes: fc.constantFrom(1, 50, 400),
      how: fc.nat(4),
      abortAfterMs: fc.option(fc.constantFrom(0, 1, 15, 25, 60), { nil: undefined, freq: 2 }),
      overdue: fc.boolean()
    })
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('break' as const), stream: fc.nat(3), how: fc.constantFrom('reset' as const, 'abort' as const, 'silent' as const, 'close' as const) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('refuse' as const), refuses: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('flush' as const) }) }
)
const schedule = fc.array(fc.tuple(step, fc.constantFrom(0, 0, 0, 0.5, 3, 12, 40)), { minLength: 1, maxLength: 12 })

const LIMITS = { maximumQueuedMessagesPerPeer: 5, maximumQueuedBytesPerPeer: 1_500, maximumMessages: 3, stallTimeoutMs: 200 }

/** What a handler does is in its payload. */
async function respond (clock: Clock, payload: Uint8Array, signal: AbortSignal): Promise<Uint8Array> {
  switch (payload[0]) {
    case 0:
      return payload
    case 1:
      await sleep(clock, 30)
      return payload
    case 2:
      throw new Error('failed')
    case 3:
      await sleep(clock, 100_000, signal)
      return payload
    default:
      return new Uint8Array(64 * 1024 + 1)
  }
}

/** With a second attempt where the first is overdue. */
async function ask ({ batching }: Side, { node }: Side, payload: Uint8Array, options: BatchedOptions): Promise<string> {
  const id = batching.nextId()
  const first = await outcome(batching.request(node.peerId, '/a', payload, { ...options, id }))
  return first === 'ERR_TIMEOUT' ? await outcome(batching.request(node.peerId, '/a', payload, { ...options, signal: new AbortController().signal, id, attempt: 2 })) : first
}

async function play ({ clock, time, client, server }: Setting, steps: ReadonlyArray<readonly [Step, number]>, stopAfterMs: number, isPaced: boolean): Promise<string[]> {
  const faults: string[] = []
  const delivered = new Map<number, number>()
  await server.batching.handle('/a', async (payload, { signal, kind }) => {
    const id = payload.length > 1 ? payload[1] : -1
    if (kind === 'message' && id >= 0) {
      delivered.set(id, (delivered.get(id) ?? 0) + 1)
    }
    return await respond(clock, payload, signal)
  })
  const { peerId } = server.node
  const classes = new Map<number, TrafficClass>()
  const results: Array<Promise<string>> = []
  let settled = 0
  for (const [i, [step, waitMs]] of steps.entries()) {
    if (step.kind === 'send') {
      const controller = new AbortController()
      const payload = new Uint8Array(step.bytes).fill(i)
      payload[0] = step.how
      classes.set(i + 1, step.class)
      const options = { class: step.class, signal: controller.signal }
      const result = step.asks ? ask(client, server, payload, options) : outcome(client.batching.send(peerId, '/a', payload, options))
      results.push(result.finally(() => { settled++ }))
      if (step.abortAfterMs !== undefined) {
        clock.setTimeout(() => controller.abort(new TwinwireError(step.overdue ? 'ERR_TIMEOUT' : 'ERR_ABORTED', 'enough')), step.abortAfterMs)
      }
    } else {
      client.batching.nextId()
      if (step.kind === 'refuse') {
        client.node.refusal = step.refuses ? new TwinwireError('ERR_DIAL_FAILED', 'refused') : undefined
      } else if (step.kind === 'flush') {
        results.push(outcome(client.batching.flush()).finally(() => { settled++ }))
      } else {
        const stream = client.node.everyConnection.flatMap(({ streams }) => streams).at(-1 - step.stream)
        if (step.how === 'reset') {
          stream?.reset()
        } else if (step.how === 'abort') {
          stream?.remote.abort(new Error('broken'))
        } else if (step.how === 'close') {
          void stream?.remote.close()
        } else if (stream !== undefined) {
          stream.silent = true
        }
      }
    }
    const { queuedMessages, queuedBytes } = client.batching.metrics
    if (queuedMessages > LIMITS.maximumQueuedMessagesPerPeer || queuedBytes > LIMITS.maximumQueuedBytesPerPeer) {
      faults.push(`${queuedMessages} messages of ${queuedBytes} bytes wait`)
    }
    await sleep(clock, waitMs)
  }
  await client.batching.stop(stopAfterMs)
  await server.batching.stop(0)
  for (const { deadlines } of [client, server]) {
    if (deadlines.size > 0) {
      faults.push(`${deadlines.size} deadlines are left by stop`)
    }
  }
  await sleep(clock, 1_000)

  if (settled !== results.length) {
    faults.push(`${results.length - settled} promises did not settle`)
  }
  for (const [id, times] of delivered) {
    if (times > 1) {
      faults.push(`message ${id} was delivered ${times} times`)
    }
  }
  faults.push(...wireFaults(client, classes), ...delayFaults(client, isPaced), ...leftovers(client), ...leftovers(server))
  if (time.pending > 0) {
    faults.push(`${time.pending} timers are left`)
  }
  return faults
}

/** Order and classes, as they were on the wire. */
function wireFaults ({ node }: Side, classes: ReadonlyMap<number, TrafficClass>): string[] {
  const faults: string[] = []
  for (const stream of node.everyConnection.flatMap(({ streams }) => streams)) {
    const decoder = new BatchDecoder({ maximumFrameBytes: INITIAL_FRAME_BYTES, maximumPlainBytes: INITIAL_FRAME_BYTES, from: 'initiator' })
    const last = new Map<TrafficClass, number>()
    for (const batch of stream.sent.flatMap(frame => decoded(decoder, frame))) {
      for (const item of batch.items) {
        if (item.kind !== 'message' && !(item.kind === 'request' && item.attempt === 1)) {
          continue
        }
        if (classes.get(item.id) !== batch.class) {
          faults.push(`${item.id} of class ${classes.get(item.id)} went in a batch of class ${batch.class}`)
        }
        if (item.id <= (last.get(batch.class) ?? 0)) {
          faults.push(`${item.id} went behind ${last.get(batch.class)}`)
        }
        last.set(batch.class, item.id)
      }
      if (batch.items.length > LIMITS.maximumMessages) {
        faults.push(`${batch.items.length} items in one batch`)
      }
    }
  }
  return faults
}

/** With a stream and a grant, nothing waits longer than it may. */
function delayFaults ({ events }: Side, isPaced: boolean): string[] {
  const faults: string[] = []
  let leasedMs = 0
  for (const event of events) {
    if (event.type === 'batching:stream') {
      leasedMs = event.timeMs
    } else if (event.type === 'batching:batch-sent' && !isPaced) {
      const addedMs = Math.min(event.waitedMs, event.timeMs - leasedMs)
      const mostMs = event.class === 'urgent' || event.reason === 'idle' ? 0 : 10
      if (addedMs > mostMs + 1e-6) {
        faults.push(`${event.class} waited ${addedMs} ms (${event.reason})`)
      }
    }
  }
  return faults
}

function leftovers ({ batching, node, deadlines }: Side): string[] {
  const { queuedMessages, queuedBytes, peers, streams, incomingStreams, waitingReplyBytes } = batching.metrics
  const left = { queuedMessages, queuedBytes, peers, streams, incomingStreams, waitingReplyBytes, leases: node.openLeases, deadlines: deadlines.size, listeners: node.listeners }
  return Object.entries(left).filter(([, count]) => count !== 0).map(([name, count]) => `${count} ${name} left`)
}

test('whatever is sent, aborted, broken or refused: everything settles, order and classes hold, bounds hold, nothing is left', async t => {
  await fc.assert(fc.asyncProperty(schedule, fc.constantFrom(0, 5, 500), fc.boolean(), fc.boolean(), async (steps, stopAfterMs, isPaced, isTight) => {
    const faults = await setting(async environment => await play(environment, steps, stopAfterMs, isPaced), {
      client: LIMITS,
      server: isTight ? { maximumRunning: 2, maximumReplyBytes: 1_024, maximumReplyPayloadBytes: 500, stallTimeoutMs: 200 } : {},
      ...isPaced && { uplink: clock => new PacedUplink(clock, 200_000) }
    })
    t.deepEqual(faults, [])
  }), { numRuns: 10_000 })
})
