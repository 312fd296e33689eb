import type { ByteSink } from './byte-sink.ts'
import { TextWriter } from './text-writer.ts'

/** Numbers and words beside an event. */
export type TraceArguments = Readonly<Record<string, number | string>>

/** One event of the Trace Event Format (Chrome's JSON traces), of the kinds that Perfetto reads. The main thread has its process's number. */
export type TraceEvent =
  /** A process's name; `M`, metadata. */
  | { readonly ph: 'M', readonly name: 'process_name', readonly pid: number, readonly args: { readonly name: string } }
  /** The beginning and end of a slice on a track of its own, told by `cat` and `id`; slices of one track nest. `n`: an instant there. */
  | { readonly ph: 'b' | 'e' | 'n', readonly cat: string, readonly id: string, readonly name: string, readonly pid: number, readonly tid: number, readonly ts: number, readonly args?: TraceArguments }
  /** A counter's new value; counters are processes'. */
  | { readonly ph: 'C', readonly name: string, readonly pid: number, readonly ts: number, readonly args: TraceArguments }
  /** An instant of a process. */
  | { readonly ph: 'i', readonly s: 'p', readonly name: string, readonly cat: string, readonly pid: number, readonly tid: number, readonly ts: number, readonly args?: TraceArguments }

/** Writes events as one JSON object, in constant memory; `finish` comes last. */
export class TraceEventWriter {
  readonly #writer: TextWriter
  #separator = ''

  constructor (sink: ByteSink) {
    this.#writer = new TextWriter(sink)
    this.#writer.write('{"displayTimeUnit":"ms","traceEvents":[\n')
  }

  write (event: TraceEvent): void {
    this.#writer.write(`${this.#separator}${JSON.stringify(event)}`)
    this.#separator = ',\n'
  }

  finish (): void {
    this.#writer.write('\n]}\n')
    this.#writer.flush()
  }
}
