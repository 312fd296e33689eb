import { closeSync, openSync, writeSync } from 'node:fs'
import { MemoryRecorder } from '../core/recorder.ts'
import type { RecordedEvent } from '../core/recorder.ts'
import { TraceHash } from '../core/trace-hash.ts'
import { nsToMs } from '../core/units.ts'
import { EventLog } from '../sim/event-log.ts'
import { Kernel } from '../sim/kernel.ts'
import type { OutsideWork } from '../sim/outside-work.ts'
import type { RunOutcome } from './wire.ts'

/** Only in the log. */
interface WrittenEvent extends RecordedEvent {
  readonly byteLength: number
  /** Of all bytes so far. */
  readonly digest: string
}

/** What one run in virtual time happens in: its kernel and its recorder, and what is told of the two in the end. */
export class RunTrace {
  readonly kernel: Kernel
  readonly recorder: MemoryRecorder
  readonly #file: EventLogFile | undefined
  readonly #content = new TraceHash()
  #anyContent = false

  /**
   * @param eventLog a file, as in `RunRequest`; one that is there is replaced
   * @param outside what the kernel waits for, beside promises
   * @throws Node's error where it cannot be written
   */
  constructor (eventLog?: string, outside?: OutsideWork) {
    const waiting = outside === undefined ? {} : { outside }
    if (eventLog === undefined) {
      this.kernel = new Kernel(waiting)
      this.recorder = new MemoryRecorder()
    } else {
      this.#file = new EventLogFile(eventLog)
      this.kernel = new Kernel({ ...waiting, eventLog: this.#file.log })
      this.recorder = new LoggedRecorder(this.#file.log)
    }
  }

  /** Where connections carry real bytes, these are a part of the trace: keys and nonces that differ would change nothing else. */
  written (connection: number, bytes: Uint8Array): void {
    this.#anyContent = true
    this.#content.mixInteger(connection)
    this.#content.mixBytes(bytes)
    const log = this.#file?.log
    if (log !== undefined) {
      const event: WrittenEvent = { type: 'written', timeMs: nsToMs(this.kernel.nowNs), host: `connection ${connection}`, byteLength: bytes.byteLength, digest: this.#content.digest() }
      log.recorded(event)
    }
  }

  /** The run is over. What is recorded afterwards is no part of it. */
  finish (): Required<Pick<RunOutcome, 'events' | 'traceHash'>> {
    this.#file?.close()
    return { events: this.recorder.events.slice(), traceHash: this.#digest() }
  }

  #digest (): string {
    const events = `${this.kernel.digest()}-${this.recorder.digest()}`
    return this.#anyContent ? `${events}-${this.#content.digest()}` : events
  }
}

class LoggedRecorder extends MemoryRecorder {
  readonly #log: EventLog

  constructor (log: EventLog) {
    super()
    this.#log = log
  }

  override record (event: RecordedEvent): void {
    super.record(event)
    this.#log.recorded(event)
  }
}

/** Written synchronously: what writes is inside a simulation, which would otherwise run ahead of the disk. */
class EventLogFile {
  readonly log: EventLog
  #descriptor: number | undefined

  constructor (path: string) {
    this.#descriptor = openSync(path, 'w')
    this.log = new EventLog(chunk => this.#write(chunk))
  }

  close (): void {
    this.log.finish()
    if (this.#descriptor !== undefined) {
      closeSync(this.#descriptor)
      this.#descriptor = undefined
    }
  }

  #write (chunk: Uint8Array): void {
    // A role that outlives its run still records.
    if (this.#descriptor !== undefined) {
      for (let written = 0; written < chunk.length;) {
        written += writeSync(this.#descriptor, chunk, written)
      }
    }
  }
}
