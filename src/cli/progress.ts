import { styleText } from 'node:util'
import type { Clock, Timer } from '../core/clock.ts'
import type { UnitKey } from '../experiment/unit.ts'
import { Eta } from './eta.ts'
import { formatSpan } from './format-span.ts'
import type { Output } from './context.ts'
import type { Stage } from './stages.ts'

export interface ProgressOptions {
  readonly output: Output
  readonly clock: Clock
  readonly stages: readonly Stage[]
  /** What is under way where there is more than one thing, such as `experiment 3 of 16`; stands first. */
  readonly heading?: () => string
  /** The result so far in a few words; asked for whenever something is drawn. */
  readonly estimate: () => string
}

/** On a terminal the line is drawn again this often at most, and this often at least. */
const REDRAW_MS = 100
const TICK_MS = 1000
/** Without one, a line of its own is a lot to read. */
const LINE_EVERY_MS = 5000

/**
 * Shows how far a run has come: `12/240`, the time that the rest will take, and the estimate so far. On a terminal it is
 * one line with a bar that changes in place; elsewhere a plain line every 5 seconds and one at the end.
 */
export class Progress {
  readonly #options: ProgressOptions
  readonly #eta: Eta
  #total: number
  #done = 0
  #failed = 0
  #drawnMs: number
  #drawn = ''
  #timer: Timer | undefined

  constructor (options: ProgressOptions) {
    this.#options = options
    this.#eta = new Eta(options.stages)
    this.#total = unitsOf(options.stages)
    this.#drawnMs = options.clock.now()
  }

  /**
   * Shows how far it has come while `work` goes on, and what becomes of it where `signal` interrupts it.
   *
   * @throws what `work` throws
   */
  async during (signal: AbortSignal, work: () => Promise<unknown>): Promise<void> {
    const onInterrupt = (): void => this.say('interrupted, stopping: what is finished is kept (once more to stop at once)')
    signal.addEventListener('abort', onInterrupt, { once: true })
    this.start()
    try {
      await work()
    } finally {
      this.stop()
      signal.removeEventListener('abort', onInterrupt)
    }
  }

  start (): void {
    if (this.#options.output.isTTY === true) {
      this.#draw()
      this.#tick()
    }
  }

  /** More to do. */
  add (stages: readonly Stage[]): void {
    this.#eta.add(stages)
    this.#total += unitsOf(stages)
  }

  /** To be told of each unit that finished. */
  finished (unit: UnitKey, failed: boolean, tookMs: number): void {
    this.#eta.finished(unit, tookMs)
    this.#done++
    this.#failed += failed ? 1 : 0
    const { clock, output } = this.#options
    if (clock.now() - this.#drawnMs >= (output.isTTY === true ? REDRAW_MS : LINE_EVERY_MS)) {
      this.#draw()
    }
  }

  /** Writes a line of text without breaking the bar. */
  say (line: string): void {
    const { output } = this.#options
    if (output.isTTY === true) {
      output.write(`${CLEAR_LINE}${line}\n`)
      this.#draw()
    } else {
      output.write(`${line}\n`)
    }
  }

  /** Shows the last state; nothing is drawn or scheduled after that. */
  stop (): void {
    this.#timer?.cancel()
    this.#timer = undefined
    this.#draw()
    if (this.#options.output.isTTY === true) {
      this.#options.output.write('\n')
    }
  }

  #tick (): void {
    this.#timer = this.#options.clock.setTimeout(() => {
      this.#draw()
      this.#tick()
    }, TICK_MS)
  }

  #draw (): void {
    const { clock, output, heading, estimate } = this.#options
    this.#drawnMs = clock.now()
    const parts = [`${this.#done}/${this.#total} runs`]
    if (this.#failed > 0) {
      parts.push(`${this.#failed} failed`)
    }
    if (this.#done < this.#total) {
      parts.push(this.#remaining())
    }
    const text = [heading?.() ?? '', ...parts, estimate()].filter(part => part !== '').join(', ')
    if (output.isTTY !== true) {
      if (text !== this.#drawn) {
        output.write(`${text}\n`)
      }
      this.#drawn = text
      return
    }
    const bar = drawBar(this.#total === 0 ? 0 : this.#done / this.#total)
    // Some terminals say that they are 0 columns wide.
    const columns = output.columns === undefined || output.columns === 0 ? 80 : output.columns
    const room = columns - bar.length - 2
    output.write(`${CLEAR_LINE}${styleText('cyan', bar, { stream: output })} ${text.slice(0, Math.max(room, 0))}`)
  }

  #remaining (): string {
    const { timeMs, complete } = this.#eta.remaining()
    if (timeMs === 0 && !complete) {
      return 'ETA not known yet'
    }
    return complete ? `ETA ${formatSpan(timeMs)}` : `ETA more than ${formatSpan(timeMs)}`
  }
}

const CLEAR_LINE = '\r\u001b[2K'
const BAR_CELLS = 24

function unitsOf (stages: readonly Stage[]): number {
  return stages.reduce((total, { units }) => total + units.length, 0)
}

function drawBar (share: number): string {
  const filled = Math.round(share * BAR_CELLS)
  return '█'.repeat(filled) + '░'.repeat(BAR_CELLS - filled)
}
