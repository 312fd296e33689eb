import { NS_PER_MS } from '../../core/units.ts'
import { replace } from './replace.ts'

/** What `Date` shows at virtual time zero, on every machine: 2024-01-01T00:00:00Z. */
export const EPOCH_MS = Date.UTC(2024, 0, 1)

/** Of `Temporal`, which not every Node has. */
interface TemporalNamespace {
  readonly Instant: { fromEpochNanoseconds(ns: bigint): { toZonedDateTimeISO(timeZone: unknown): ZonedDateTime } }
  readonly Now: { timeZoneId(): string }
}

interface ZonedDateTime {
  toPlainDateTime(): object
  toPlainDate(): object
  toPlainTime(): object
}

type Format = (this: unknown, date?: Date | number) => unknown

/** The prototype of `Intl.DateTimeFormat`. */
interface DateFormats {
  formatToParts: Format
}

/** Replaces the clocks that code can read by one of `nowMs`, a count of milliseconds and their fractions. */
export function installClocks (nowMs: () => number): void {
  const nowNs = (): bigint => BigInt(Math.round(nowMs() * NS_PER_MS))
  installDate(() => EPOCH_MS + Math.floor(nowMs()))
  installTemporal(() => BigInt(EPOCH_MS) * BigInt(NS_PER_MS) + nowNs())
  installPerformance(nowMs)
  const hrtime = (earlier?: [number, number]): [number, number] => {
    const ns = Number(nowNs())
    const [seconds, rest] = [Math.floor(ns / 1e9), ns % 1e9]
    if (earlier === undefined) {
      return [seconds, rest]
    }
    const borrow = rest < earlier[1] ? 1 : 0
    return [seconds - earlier[0] - borrow, rest - earlier[1] + borrow * 1e9]
  }
  replace(process, { hrtime: Object.assign(hrtime, { bigint: nowNs }), uptime: () => nowMs() / 1_000 })
}

function installDate (now: () => number): void {
  const VirtualDate = new Proxy(Date, {
    construct: (target, args, newTarget) => Reflect.construct(target, args.length === 0 ? [now()] : args, newTarget) as object,
    apply: target => new target(now()).toString(),
    get: (target, key, receiver) => key === 'now' ? now : Reflect.get(target, key, receiver) as unknown
  })
  globalThis.Date = VirtualDate
  // Whoever clones a date asks the date what made it.
  Object.defineProperty(VirtualDate.prototype, 'constructor', { value: VirtualDate })
  installFormats(Intl.DateTimeFormat.prototype, now)
}

function installFormats (formats: DateFormats, now: () => number): void {
  const realParts = formats.formatToParts
  formats.formatToParts = function (date = now()) {
    return realParts.call(this, date)
  }
  // A getter, whose function is bound and the same each time.
  const { get: realFormat } = Object.getOwnPropertyDescriptor(formats, 'format') as { readonly get: (this: unknown) => Format }
  const virtualFormats = new WeakMap<Format, Format>()
  Object.defineProperty(formats, 'format', {
    get (this: unknown) {
      const real = realFormat.call(this)
      const virtual = virtualFormats.get(real) ?? ((date = now()) => real(date))
      virtualFormats.set(real, virtual)
      return virtual
    }
  })
}

function installTemporal (epochNs: () => bigint): void {
  const { Temporal } = globalThis as { readonly Temporal?: TemporalNamespace }
  if (Temporal === undefined) {
    return
  }
  const { Instant, Now } = Temporal
  const instant = (): ReturnType<typeof Instant.fromEpochNanoseconds> => Instant.fromEpochNanoseconds(epochNs())
  const zonedDateTimeISO = (timeZone: unknown = Now.timeZoneId()): ZonedDateTime => instant().toZonedDateTimeISO(timeZone)
  replace(Now, {
    instant,
    zonedDateTimeISO,
    plainDateTimeISO: (timeZone?: unknown) => zonedDateTimeISO(timeZone).toPlainDateTime(),
    plainDateISO: (timeZone?: unknown) => zonedDateTimeISO(timeZone).toPlainDate(),
    plainTimeISO: (timeZone?: unknown) => zonedDateTimeISO(timeZone).toPlainTime()
  })
}

function installPerformance (nowMs: () => number): void {
  const mark = performance.mark.bind(performance)
  const measure = performance.measure.bind(performance)
  replace(performance, {
    now: nowMs,
    timeOrigin: EPOCH_MS,
    mark: (name: string, options?: PerformanceMarkOptions) => mark(name, { ...options, startTime: options?.startTime ?? nowMs() }),
    measure: (name: string, start?: string | PerformanceMeasureOptions, end?: string) => {
      if (end !== undefined) {
        return measure(name, start, end)
      }
      const options = typeof start === 'object' ? start : { ...start !== undefined && { start } }
      // Only where nothing says when it ends does it end now.
      return measure(name, options.end === undefined && options.duration === undefined ? { ...options, end: nowMs() } : options)
    }
  })
}
