import { tellParent } from './serve-parent.ts'
import type { RecordedEvent, Recorder } from '../../core/recorder.ts'

/** Often enough that little is lost with a process that dies, seldom enough to disturb no measurement. */
const FLUSH_MS = 100

/** Sends events to the parent in batches. */
export class ProcessRecorder implements Recorder {
  #events: RecordedEvent[] = []
  #timer: NodeJS.Timeout | undefined
  #stopped = false

  record (event: RecordedEvent): void {
    if (this.#stopped) {
      return
    }
    this.#events.push(event)
    this.#timer ??= setTimeout(() => this.flush(), FLUSH_MS)
  }

  flush (): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    if (this.#events.length > 0) {
      tellParent({ type: 'events', events: this.#events })
      this.#events = []
    }
  }

  /** What is recorded after the end of a run (by a role whose connections are being closed, say) is no part of it. */
  stop (): void {
    this.flush()
    this.#stopped = true
  }
}
