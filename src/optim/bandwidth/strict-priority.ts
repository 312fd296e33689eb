import { TRAFFIC_CLASSES } from '../traffic-class.ts'
import { Fifo } from './fifo.ts'
import type { TrafficClass } from '../traffic-class.ts'
import type { Flow } from '../uplink.ts'
import type { Discipline } from './discipline.ts'

/** The most pressing class first, without a bound, and in it first come, first served: a baseline, which starves bulk. */
export class StrictPriority implements Discipline {
  readonly #byClass: Readonly<Record<TrafficClass, Fifo>> = { urgent: new Fifo(), normal: new Fifo(), bulk: new Fifo() }

  add (flow: Flow): void {
    this.#byClass[flow.class].add(flow)
  }

  remove (flow: Flow): void {
    this.#byClass[flow.class].remove(flow)
  }

  next (): Flow | undefined {
    return this.#byClass.urgent.next() ?? this.#byClass.normal.next() ?? this.#byClass.bulk.next()
  }

  sent (flow: Flow, bytes: number, more: boolean): void {
    this.#byClass[flow.class].sent(flow, bytes, more)
  }

  delayMs (): number {
    return Infinity
  }

  /** Of its class while no other waits: with strict priority nobody can count on more. */
  share (flow: Flow): number {
    return this.#byClass[flow.class].share(flow)
  }

  * flows (): Generator<Flow> {
    for (const name of TRAFFIC_CLASSES) {
      yield * this.#byClass[name].flows()
    }
  }
}
