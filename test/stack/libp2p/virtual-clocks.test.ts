import { environment } from '../../../src/libp2p/environment.ts'
import { setTimeout as delay } from 'node:timers/promises'
import test from 'ava'

const { kernel } = environment
const EPOCH_MS = Date.UTC(2024, 0, 1)

test.serial('dates, monotonic clocks and the kernel agree', async t => {
  await delay(1_234)
  const nowMs = kernel.nowNs / 1e6
  t.is(performance.now(), nowMs)
  t.is(Date.now(), EPOCH_MS + Math.floor(nowMs))
  t.is(new Date().getTime(), Date.now())
  t.is(process.hrtime.bigint(), BigInt(kernel.nowNs))
  t.is(process.uptime(), nowMs / 1_000)
  const earlier = process.hrtime()
  await delay(1_500)
  t.deepEqual(process.hrtime(earlier), [1, 500_000_000])
  t.is(new Date(0).toISOString(), '1970-01-01T00:00:00.000Z')
  t.true(new Date() instanceof Date)
  t.is(Date(), new Date().toString())
})

test.serial('what made a date makes others of the same clock', t => {
  const Made = new Date(5).constructor as DateConstructor
  t.is(Made, Date)
  t.is(new Made().getTime(), Date.now())
})

test.serial('what is formatted by default is now', t => {
  const format = new Intl.DateTimeFormat('en-GB', { dateStyle: 'full', timeStyle: 'medium', timeZone: 'UTC' })
  t.is(format.format(), format.format(Date.now()))
  t.regex(format.format(), /1 January 2024/)
  t.deepEqual(format.formatToParts(), format.formatToParts(Date.now()))
  t.regex(format.format(0), /1 January 1970/)
  const bound = Reflect.get(format, 'format')
  t.is(Reflect.get(format, 'format'), bound)
  t.is(bound(0), format.format(0))
})

test.serial('marks and measures are of the same clock, unless told otherwise', async t => {
  const startMs = performance.now()
  t.is(performance.mark('a').startTime, startMs)
  await delay(20)
  t.like(performance.measure('from a', 'a'), { startTime: startMs, duration: 20 })
  t.like(performance.measure('from an option', { start: 'a', detail: 'more' }), { startTime: startMs, duration: 20, detail: 'more' })
  t.like(performance.measure('all'), { startTime: 0, duration: startMs + 20 })
  await delay(5)
  performance.mark('b')
  t.is(performance.measure('between', 'a', 'b').duration, 25)
  t.like(performance.measure('given', { start: 3, duration: 4 }), { startTime: 3, duration: 4 })
  t.is(performance.mark('given', { startTime: 7 }).startTime, 7)
})

interface Instant {
  readonly epochNanoseconds: bigint
  toString(): string
}
type Now = Readonly<Record<'instant' | 'zonedDateTimeISO' | 'plainDateTimeISO' | 'plainDateISO' | 'plainTimeISO', (timeZone?: string) => Instant>>

test.serial('Temporal.Now, where there is one, is of the same clock', async t => {
  const { Temporal } = globalThis as { readonly Temporal?: { readonly Now: Now } }
  await delay(12)
  const ns = BigInt(EPOCH_MS) * 1_000_000n + BigInt(kernel.nowNs)
  if (Temporal === undefined) {
    t.pass()
    return
  }
  t.is(Temporal.Now.instant().epochNanoseconds, ns)
  t.is(Temporal.Now.zonedDateTimeISO().epochNanoseconds, ns)
  const iso = new Date().toISOString()
  t.true(String(Temporal.Now.plainDateTimeISO('UTC')).startsWith(iso.slice(0, 19)))
  t.is(String(Temporal.Now.plainDateISO('UTC')), iso.slice(0, 10))
  t.true(String(Temporal.Now.plainTimeISO('UTC')).startsWith(iso.slice(11, 19)))
})
