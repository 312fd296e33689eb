import test from 'ava'
import { TwinwireError } from '../../src/core/errors.ts'
import { EventTable } from '../../src/sim/event-table.ts'
import { Kernel } from '../../src/sim/kernel.ts'

const HOUR_NS = 3.6e12

/** A kernel whose only operation records the arguments in the order of dispatch. */
function recording (): { kernel: Kernel, record: number, seen: number[] } {
  const kernel = new Kernel()
  const seen: number[] = []
  return { kernel, record: kernel.define(argument => { seen.push(argument) }, 'event'), seen }
}

test('events are dispatched by time, and those of one time in the order of scheduling', t => {
  const { kernel, record, seen } = recording()
  kernel.schedule(20, record, 1)
  kernel.schedule(10, record, 2)
  kernel.schedule(20, record, 3)
  kernel.schedule(10, record, 4)
  kernel.run()
  t.deepEqual(seen, [2, 4, 1, 3])
  t.is(kernel.nowNs, 20)
  t.is(kernel.dispatched, 4)
})

test('ties keep their order when one was scheduled from afar and the other from near', t => {
  const { kernel, record, seen } = recording()
  const atNs = HOUR_NS + 12_345
  kernel.schedule(atNs, record, 1)
  for (const beforeNs of [1e12, 1e9, 1e6, 1e3, 1]) {
    kernel.run(atNs - beforeNs)
    kernel.schedule(atNs, record, seen.length + 2)
  }
  kernel.schedule(atNs, record, 3)
  kernel.run()
  t.deepEqual(seen, [1, 2, 2, 2, 2, 2, 3])
})

test('an event scheduled for now comes after all others of this instant, before any later one', t => {
  const { kernel, record, seen } = recording()
  const chain = kernel.define(argument => {
    seen.push(argument)
    kernel.schedule(kernel.nowNs, record, argument + 100)
  }, 'event')
  kernel.schedule(5, chain, 1)
  kernel.schedule(5, chain, 2)
  kernel.schedule(6, record, 3)
  kernel.run()
  t.deepEqual(seen, [1, 2, 101, 102, 3])
})

test('arguments are any 32-bit integers', t => {
  const { kernel, record, seen } = recording()
  const extremes = [0, -1, 2 ** 31 - 1, -(2 ** 31)]
  extremes.forEach((argument, index) => kernel.schedule(index, record, argument))
  kernel.run()
  t.deepEqual(seen, extremes)
})

test('times up to 2^53 - 1 ns are kept to the nanosecond', t => {
  const kernel = new Kernel()
  const seen: number[] = []
  const record = kernel.define(() => { seen.push(kernel.nowNs) }, 'event')
  const times: number[] = []
  for (let exponent = 0; exponent <= 53; exponent++) {
    times.push(2 ** exponent - 1, 2 ** exponent - 2)
  }
  const possible = times.filter(time => time >= 0)
  possible.toReversed().forEach(time => kernel.schedule(time, record, 0))
  kernel.run()
  t.deepEqual(seen, possible.toSorted((a, b) => a - b))
})

// Were insertion among ties, or into the run being dispatched, quadratic, each of these would take minutes.
test('2 x 10^5 events of one instant, half of them scheduled in it, keep their order', t => {
  const { kernel, record, seen } = recording()
  const spawn = kernel.define(argument => {
    seen.push(argument)
    kernel.schedule(kernel.nowNs, record, argument + 1e5)
  }, 'event')
  for (let i = 0; i < 1e5; i++) {
    kernel.schedule(1e6, spawn, i)
  }
  kernel.run()
  t.is(seen.length, 2e5)
  t.true(seen.every((argument, index) => argument === index))
})

test('10^5 events scheduled backwards into the run being dispatched come out in order', t => {
  const { kernel, record, seen } = recording()
  const spawn = kernel.define(() => {
    for (let i = 0; i < 1e5; i++) {
      kernel.schedule(kernel.nowNs + 1e5 - i, record, i)
    }
  }, 'event')
  kernel.schedule(HOUR_NS, spawn, 0)
  kernel.schedule(HOUR_NS + 1e6, record, -1)
  kernel.run()
  t.is(seen.length, 1e5 + 1)
  t.true(seen.every((argument, index) => argument === 1e5 - 1 - index))
})

test('a cancelled event is not dispatched, and can be cancelled once only', t => {
  const { kernel, record, seen } = recording()
  const first = kernel.schedule(10, record, 1)
  kernel.schedule(10, record, 2)
  t.is(kernel.pending, 2)
  t.true(kernel.cancel(first))
  t.is(kernel.pending, 1)
  t.false(kernel.cancel(first))
  kernel.run()
  t.deepEqual(seen, [2])
  t.is(kernel.pending, 0)
})

test('an event that was dispatched, or is being dispatched, cannot be cancelled', t => {
  const kernel = new Kernel()
  const answers: boolean[] = []
  const operation = kernel.define(() => { answers.push(kernel.cancel(id)) }, 'event')
  const id = kernel.schedule(1, operation, 0)
  kernel.run()
  t.deepEqual([...answers, kernel.cancel(id)], [false, false])
})

test('an event can cancel another of its own instant', t => {
  const { kernel, record, seen } = recording()
  const cancel = kernel.define(() => { t.true(kernel.cancel(other)) }, 'event')
  kernel.schedule(7, cancel, 0)
  const other = kernel.schedule(7, record, 1)
  kernel.run()
  t.deepEqual(seen, [])
})

test('an id is never valid for the event that took its place', t => {
  const { kernel, record, seen } = recording()
  const ids = new Set<number>()
  for (let i = 0; i < 10_000; i++) {
    const id = kernel.schedule(i, record, i)
    ids.add(id)
    if (i % 2 === 0) {
      t.true(kernel.cancel(id))
    } else {
      kernel.run(i)
    }
  }
  t.is(ids.size, 10_000)
  kernel.schedule(10_000, record, -1)
  for (const id of ids) {
    t.false(kernel.cancel(id))
  }
  kernel.run()
  t.is(seen.at(-1), -1)
})

test('what never was an id cancels nothing', t => {
  const { kernel, record } = recording()
  kernel.schedule(1, record, 0)
  for (const id of [-1, 0, 0.5, NaN, Infinity, 2 ** 52]) {
    t.false(kernel.cancel(id))
  }
  t.is(kernel.pending, 1)
})

test('a far timer that is armed anew 10^6 times holds the memory of a few thousand events', t => {
  const kernel = new Kernel({ maxPending: 20_000 })
  const record = kernel.define(() => {}, 'event')
  let timer = kernel.schedule(HOUR_NS, record, 0)
  for (let i = 1; i <= 1e6; i++) {
    t.true(kernel.cancel(timer))
    timer = kernel.schedule(HOUR_NS + i, record, 0)
  }
  t.is(kernel.pending, 1)
  kernel.run()
  t.is(kernel.nowNs, HOUR_NS + 1e6)
})

test('10^5 cancelled ties of the instant being dispatched are passed over', t => {
  const { kernel, record, seen } = recording()
  const ids: number[] = []
  const cancelAll = kernel.define(() => {
    ids.forEach(id => t.true(kernel.cancel(id)))
    kernel.schedule(kernel.nowNs, record, 1)
  }, 'event')
  kernel.schedule(3, cancelAll, 0)
  for (let i = 0; i < 1e5; i++) {
    ids.push(kernel.schedule(3, record, 2))
  }
  kernel.run()
  t.deepEqual(seen, [1])
})

test('after every pending event was cancelled, an earlier one can be scheduled', t => {
  const { kernel, record, seen } = recording()
  kernel.schedule(5, record, 0)
  kernel.cancel(kernel.schedule(HOUR_NS, record, 1))
  kernel.run()
  t.is(kernel.nowNs, 5)
  kernel.schedule(6, record, 2)
  kernel.schedule(5, record, 3)
  kernel.run()
  t.deepEqual(seen, [0, 3, 2])
})

test('run stops at a time and leaves what is later', t => {
  const { kernel, record, seen } = recording()
  kernel.schedule(10, record, 1)
  kernel.schedule(11, record, 2)
  kernel.run(10)
  t.deepEqual(seen, [1])
  kernel.run(10)
  t.is(kernel.nowNs, 10)
  kernel.schedule(10, record, 3)
  kernel.run(HOUR_NS)
  t.deepEqual(seen, [1, 3, 2])
  t.is(kernel.nowNs, HOUR_NS)
})

test('a time that is past, fractional or no number is refused, and changes nothing', t => {
  const { kernel, record, seen } = recording()
  kernel.run(100)
  for (const atNs of [99, -1, 100.5, NaN]) {
    t.throws(() => kernel.schedule(atNs, record, 0), { message: /^event scheduled at / })
  }
  for (const atNs of [2 ** 53, Infinity]) {
    t.throws(() => kernel.schedule(atNs, record, 0), { code: 'ERR_EVENT_LIMIT', message: /beyond the end of virtual time/ })
  }
  t.throws(() => kernel.run(99), { message: /before now/ })
  t.throws(() => kernel.run(NaN), { message: /before now/ })
  t.is(kernel.pending, 0)
  kernel.schedule(100, record, 1)
  kernel.run()
  t.deepEqual(seen, [1])
})

test('a queue that grows without end ends in an error', t => {
  const kernel = new Kernel({ maxPending: 5000 })
  const double = kernel.define(() => {
    kernel.schedule(kernel.nowNs + 1, double, 0)
    kernel.schedule(kernel.nowNs + 1, double, 0)
  }, 'event')
  kernel.schedule(0, double, 0)
  const error = t.throws(() => kernel.run(), { instanceOf: TwinwireError })
  t.is(error?.code, 'ERR_EVENT_LIMIT')
  t.is(kernel.pending, 5000)
})

test('the limit counts pending events alone', t => {
  const kernel = new Kernel({ maxPending: 3 })
  const operation = kernel.define(() => {}, 'event')
  const ids = [1, 2, 3].map(atNs => kernel.schedule(atNs, operation, 0))
  t.throws(() => kernel.schedule(4, operation, 0), { code: 'ERR_EVENT_LIMIT' })
  kernel.cancel(ids[1])
  kernel.schedule(4, operation, 0)
  t.throws(() => kernel.schedule(5, operation, 0), { code: 'ERR_EVENT_LIMIT' })
  kernel.run()
  t.is(kernel.dispatched, 3)
})

test('a limit that is no positive integer is refused', t => {
  for (const maxPending of [0, -1, 1.5, NaN, 2 ** 27]) {
    t.throws(() => new Kernel({ maxPending }), { code: 'ERR_INVALID_OPTION' })
  }
})

test('what an event throws reaches the caller, and the rest can still be run', t => {
  const { kernel, record, seen } = recording()
  const fail = kernel.define(() => {
    kernel.schedule(2, record, 2)
    throw new Error('from an event')
  }, 'event')
  kernel.schedule(1, fail, 0)
  kernel.schedule(3, record, 3)
  t.throws(() => kernel.run(), { message: 'from an event' })
  t.is(kernel.nowNs, 1)
  t.is(kernel.dispatched, 1)
  t.is(kernel.pending, 2)
  kernel.run()
  t.deepEqual(seen, [2, 3])
})

test('an event cannot run the kernel that dispatches it', t => {
  const kernel = new Kernel()
  const nested = kernel.define(() => kernel.run(), 'event')
  kernel.schedule(1, nested, 0)
  t.throws(() => kernel.run(), { code: 'ERR_INVALID_STATE' })
})

test('equal runs have equal digests; another time, operation, argument or order has another', t => {
  type Event = [atNs: number, operation: number, argument: number]
  const digest = (events: Event[]): string => {
    const kernel = new Kernel()
    kernel.define(() => {}, 'event')
    kernel.define(() => {}, 'event')
    kernel.cancel(kernel.schedule(4, 0, 0))
    events.forEach(event => kernel.schedule(...event))
    kernel.run()
    return kernel.digest()
  }
  const base: Event[] = [[1, 0, 5], [1, 0, 6], [2, 1, 5]]
  t.is(digest(base), digest(base))
  const others: Event[][] = [
    [[1, 0, 5], [1, 0, 6], [3, 1, 5]],
    [[1, 0, 5], [1, 0, 6], [2, 0, 5]],
    [[1, 0, 5], [1, 0, 6], [2, 1, 4]],
    [[1, 0, 6], [1, 0, 5], [2, 1, 5]],
    [[1, 0, 5], [1, 0, 6]]
  ]
  t.is(new Set([base, ...others].map(digest)).size, others.length + 1)
})

test('events that follow each other at one instant without end are an error', t => {
  const kernel = new Kernel()
  const again = kernel.define(() => { kernel.schedule(kernel.nowNs, again, 0) }, 'event')
  kernel.schedule(5e6, again, 0)
  t.throws(() => kernel.run(), { code: 'ERR_TIME_STANDS_STILL', message: /at 5 ms/ })
  t.is(kernel.nowNs, 5e6)
})

test('watches happen in their order among events, and neither the digest nor the count knows of them', t => {
  const run = (watched: boolean): { readonly seen: string[], readonly digest: string, readonly dispatched: number } => {
    const kernel = new Kernel()
    const seen: string[] = []
    const watch = kernel.defineWatch(argument => { seen.push(`watch ${argument} at ${kernel.nowNs}`) })
    const event = kernel.define(argument => { seen.push(`event ${argument} at ${kernel.nowNs}`) }, 'event')
    for (const atNs of [5, 7]) {
      kernel.schedule(atNs, event, 1)
      if (watched) {
        kernel.schedule(atNs, watch, 2)
        kernel.cancel(kernel.schedule(atNs, watch, 3))
      }
      kernel.schedule(atNs, event, 4)
    }
    kernel.run()
    return { seen, digest: kernel.digest(), dispatched: kernel.dispatched }
  }
  const [alone, watched] = [run(false), run(true)]
  t.deepEqual(watched.seen.slice(0, 3), ['event 1 at 5', 'watch 2 at 5', 'event 4 at 5'])
  t.is(watched.seen.length, 6)
  t.deepEqual([watched.digest, watched.dispatched], [alone.digest, alone.dispatched])
})

test('an alarm has one event at a time: setting it again moves it', t => {
  const { kernel, record, seen } = recording()
  const alarm = kernel.reserve(record, 7)
  t.false(kernel.isSet(alarm))
  kernel.set(alarm, 10)
  kernel.set(alarm, 30)
  kernel.schedule(20, record, 1)
  t.is(kernel.pending, 2)
  t.true(kernel.isSet(alarm))
  kernel.run()
  t.deepEqual(seen, [1, 7])
  t.false(kernel.isSet(alarm))
  t.is(kernel.nowNs, 30)
})

test('an alarm that was cleared or released does not ring, and its slot holds other events without mistake', t => {
  const { kernel, record, seen } = recording()
  const alarm = kernel.reserve(record, 1)
  kernel.set(alarm, 10)
  kernel.clear(alarm)
  kernel.clear(alarm)
  t.is(kernel.pending, 0)
  kernel.set(alarm, 20)
  kernel.release(alarm)
  t.is(kernel.pending, 0)
  const id = kernel.schedule(30, record, 2)
  t.is(kernel.reserve(record, 3) === alarm, false)
  kernel.run()
  t.deepEqual(seen, [2])
  t.false(kernel.cancel(id))
  for (const atNs of [29, 30.5, NaN]) {
    t.throws(() => { kernel.set(kernel.reserve(record, 4), atNs) }, { message: /expected an integer, not before now/ })
  }
  t.throws(() => { kernel.set(kernel.reserve(record, 4), 2 ** 53) }, { code: 'ERR_EVENT_LIMIT' })
})

test('alarms that are not set do not count as pending events', t => {
  const kernel = new Kernel({ maxPending: 1 })
  const none = kernel.define(() => {}, 'event')
  for (let i = 0; i < 5000; i++) {
    kernel.reserve(none, i)
  }
  kernel.schedule(1, none, 0)
  const error = t.throws(() => kernel.schedule(1, none, 0), { instanceOf: TwinwireError })
  t.is(error.code, 'ERR_EVENT_LIMIT')
})

test('a slot that has been armed to the end of its count counts anew, beyond all ids', t => {
  const table = new EventTable(10, 2 ** 11)
  const slot = table.reserve(0, 0)
  let armed = 0
  while (!table.isWorn(slot)) {
    table.arm(slot)
    table.remove(slot)
    armed++
  }
  // A generation for armed and one for not, from 2 to 2^11.
  t.is(armed, 2 ** 10 - 1)
  table.renew(slot)
  t.false(table.isWorn(slot))
  t.true(table.arm(slot) > 2 ** 27)
  t.true(table.isArmed(slot))
})

test('watches that go on for ever neither keep a run without end going nor hide a deadlock; until a time they go on', async t => {
  const kernel = new Kernel()
  let looks = 0
  const watch = kernel.defineWatch(() => {
    looks++
    kernel.schedule(kernel.nowNs + 10, watch, 0)
  })
  kernel.schedule(10, watch, 0)
  kernel.schedule(35, kernel.define(() => {}, 'event'), 0)
  kernel.run()
  t.is(kernel.nowNs, 35)
  t.is(looks, 3)
  await t.throwsAsync(kernel.runAsync(() => false), { code: 'ERR_DEADLOCK' })
  kernel.run(100)
  t.is(looks, 10)
  t.is(kernel.nowNs, 100)
})

test('alarms count towards the events that may be pending', t => {
  const kernel = new Kernel({ maxPending: 2 })
  const none = kernel.define(() => {}, 'event')
  kernel.schedule(1, none, 0)
  kernel.set(kernel.reserve(none, 1), 1)
  t.throws(() => { kernel.set(kernel.reserve(none, 2), 1) }, { code: 'ERR_EVENT_LIMIT' })
})

test('an alarm that counts anew does not ring for what was set and cleared in the round before', t => {
  // Rounds begin at 2^27: a slot that is renewed once, and worn out four alarms later, is in the second at the fifth.
  const table = new EventTable(10, 2 ** 27 + 8)
  const kernel = new Kernel({}, table)
  const rang: number[] = []
  const alarm = kernel.reserve(kernel.define(() => { rang.push(kernel.nowNs) }, 'event'), 0)
  table.renew(alarm)
  kernel.run(50)
  const others = kernel.define(() => {}, 'event')
  for (const atNs of [60, 1000, 1e9, HOUR_NS]) {
    t.false(table.isWorn(alarm))
    // What is cleared leaves a stale entry in the queue, near or far.
    kernel.set(alarm, atNs)
    kernel.schedule(atNs, others, 0)
    kernel.clear(alarm)
  }
  t.true(table.isWorn(alarm))
  kernel.set(alarm, 2e9)
  t.true(kernel.isSet(alarm))
  t.false(table.isWorn(alarm))
  // The generation of the entry at 60 is that of the one at 2 s.
  kernel.run()
  t.deepEqual(rang, [2e9])
  t.is(kernel.nowNs, HOUR_NS)
})
