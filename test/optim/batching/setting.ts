import { MemoryRecorder } from '../../../src/core/recorder.ts'
import { MessageBatching } from '../../../src/optim/batching/message-batching.ts'
import { BATCH_PROTOCOL } from '../../../src/optim/batching/wire/format.ts'
import { Deadlines } from '../../../src/optim/deadlines.ts'
import { unshapedDownlink } from '../../../src/optim/downlink.ts'
import { UnshapedUplink } from '../../../src/optim/uplink.ts'
import { inVirtualTime } from '../timeouts/virtual-time.ts'
import { LinkedNodes } from './linked-nodes.ts'
import type { Clock } from '../../../src/core/clock.ts'
import type { BatchingObservation } from '../../../src/optim/batching/environment.ts'
import type { BatchingEvent } from '../../../src/optim/batching/events.ts'
import type { MessageBatchingOptions } from '../../../src/optim/batching/options.ts'
import type { Downlink } from '../../../src/optim/downlink.ts'
import type { Uplink } from '../../../src/optim/uplink.ts'
import type { VirtualTime } from '../timeouts/virtual-time.ts'
import type { LinkedNode, LinkOptions } from './linked-nodes.ts'

export const PROTOCOL = '/app/1'

export interface Side {
  readonly node: LinkedNode
  readonly batching: MessageBatching
  readonly deadlines: Deadlines
  readonly events: BatchingEvent[]
  readonly observations: BatchingObservation[]
}

export interface Setting {
  readonly clock: Clock
  readonly time: VirtualTime
  readonly network: LinkedNodes
  readonly client: Side
  readonly server: Side
  /** Another node on the same network. */
  readonly side: (name: string, options?: MessageBatchingOptions, uplink?: Uplink) => Side
}

export interface SettingOptions {
  readonly link?: Omit<LinkOptions, 'clock'>
  readonly client?: MessageBatchingOptions
  readonly server?: MessageBatchingOptions
  /** Of the client; default one that lets all go at once. */
  readonly uplink?: (clock: Clock) => Uplink
  readonly serverUplink?: (clock: Clock) => Uplink
  /** Of the client; default one that holds nothing up. */
  readonly downlink?: (clock: Clock) => Downlink
}

/** Two nodes in virtual time; stopped when `body` is over, if it has not done so. */
export async function setting<T> (body: (setting: Setting) => Promise<T>, { link, client: clientOptions, server: serverOptions, uplink, serverUplink, downlink }: SettingOptions = {}): Promise<T> {
  return await inVirtualTime(async time => {
    const { clock } = time
    const network = new LinkedNodes({ clock, ...link })
    const side = (name: string, options: MessageBatchingOptions = {}, uplink: Uplink = new UnshapedUplink(), downlink: Downlink = unshapedDownlink): Side => {
      const node = network.node(name)
      const deadlines = new Deadlines(clock)
      const recorder = new MemoryRecorder<BatchingEvent>()
      const observations: BatchingObservation[] = []
      const batching = new MessageBatching({
        node, clock, deadlines, uplink, downlink, acquire: node.pool(BATCH_PROTOCOL), host: name, recorder, observe: observation => observations.push(observation)
      }, options)
      return { node, batching, deadlines, events: recorder.events, observations }
    }
    const client = side('client', clientOptions, uplink?.(clock), downlink?.(clock))
    const server = side('server', serverOptions, serverUplink?.(clock))
    try {
      return await body({ clock, time, network, client, server, side })
    } finally {
      await Promise.all([client.batching.stop(0), server.batching.stop(0)])
    }
  })
}

export function bytes (length: number, fill = 7): Uint8Array {
  return new Uint8Array(length).fill(fill)
}

/** The events of one type. */
export function only<Type extends BatchingEvent['type']> (events: readonly BatchingEvent[], type: Type): Array<BatchingEvent & { readonly type: Type }> {
  return events.filter((event): event is BatchingEvent & { readonly type: Type } => event.type === type)
}

/** The code, or name, that it rejects with; 'resolved' where it does not. */
export async function outcome (promise: Promise<unknown>): Promise<string> {
  try {
    await promise
    return 'resolved'
  } catch (error) {
    return error instanceof Error ? ('code' in error ? String(error.code) : error.name) : String(error)
  }
}
