import test from 'ava'
import * as fc from 'fast-check'
import { EventLog } from '../../src/sim/event-log.ts'
import { readEventLog } from '../../src/sim/event-log-reader.ts'
import type { LogEntry } from '../../src/sim/event-log-reader.ts'
import { Kernel } from '../../src/sim/kernel.ts'

/** What is written while `act` runs, in pieces of so many bytes. */
function logOf (act: (log: EventLog) => void, pieceBytes = Infinity): Uint8Array[] {
  const bytes: number[] = []
  const log = new EventLog(chunk => bytes.push(...chunk))
  act(log)
  log.finish()
  const pieces: Uint8Array[] = []
  for (let from = 0; from < bytes.length; from += pieceBytes) {
    pieces.push(Uint8Array.from(bytes.slice(from, from + pieceBytes)))
  }
  return pieces
}

function described (entry: LogEntry): string {
  return entry.kind === 'event' ? `${entry.number} at ${entry.timeNs}: ${entry.name} ${entry.argument}` : `after ${entry.number}: ${entry.text}`
}

test('a run is read as it was: events with their names, what was recorded where it was recorded', t => {
  const pieces = logOf(log => {
    const kernel = new Kernel({ eventLog: log })
    const look = kernel.defineWatch(() => {})
    const never = kernel.define(() => {}, 'never')
    const arrival = kernel.define(link => {
      if (link === -5) {
        log.recorded({ type: 'sample', timeMs: 0.25, host: 'a' })
      }
    }, 'link arrival')
    const timer = kernel.define(() => {}, 'temporisateur à 1 µs')
    kernel.schedule(2 ** 52 + 1, timer, 2 ** 31 - 1)
    kernel.schedule(7, arrival, -5)
    kernel.schedule(8, look, 0)
    kernel.schedule(9, arrival, 6)
    kernel.cancel(kernel.schedule(9, never, 6))
    log.recorded({ type: 'begun', timeMs: 0, host: 'b' })
    kernel.run()
  })
  t.deepEqual([...readEventLog(pieces)].map(described), [
    'after 0: {"type":"begun","timeMs":0,"host":"b"}',
    '1 at 7: link arrival -5',
    'after 1: {"type":"sample","timeMs":0.25,"host":"a"}',
    '2 at 9: link arrival 6',
    `3 at ${2 ** 52 + 1}: temporisateur à 1 µs ${2 ** 31 - 1}`
  ])
})

test('in whatever pieces a log comes, it is the same; cut off within a record, it is refused', t => {
  const write = (log: EventLog): void => {
    for (let i = 0; i < 3; i++) {
      log.event(i, i, i, operation => `operation ${operation}`)
      log.recorded({ type: 'sample', timeMs: i, host: 'a' })
    }
  }
  const whole = [...readEventLog(logOf(write))]
  const [bytes] = logOf(write)
  t.is(whole.length, 6)
  fc.assert(fc.property(fc.integer({ min: 1, max: 200 }), pieceBytes => {
    t.deepEqual([...readEventLog(logOf(write, pieceBytes))], whole)
  }))
  t.throws(() => [...readEventLog([bytes.subarray(0, bytes.length - 1)])], { code: 'ERR_INVALID_FILE' })
  t.throws(() => [...readEventLog([bytes.subarray(0, 16 + 3)])], { code: 'ERR_INVALID_FILE' })
  t.throws(() => [...readEventLog([bytes.subarray(0, 3)])], { code: 'ERR_INVALID_FILE' })
})

test('numbers that JSON has no way to write are told apart', t => {
  const texts = [0, -0, NaN, Infinity, -Infinity].map(timeMs => {
    const [entry] = readEventLog(logOf(log => log.recorded({ type: 'sample', timeMs, host: 'a' })))
    return entry?.kind === 'recorded' ? entry.text : ''
  })
  t.is(new Set(texts).size, 5)
})

test('a log longer than its buffer has every event', t => {
  const count = 20_000
  const chunks: Uint8Array[] = []
  const log = new EventLog(chunk => chunks.push(chunk.slice()))
  for (let i = 0; i < count; i++) {
    log.event(i, 0, 0, () => 'event')
  }
  log.finish()
  t.true(chunks.length > 1)
  const times = [...readEventLog(chunks)].map(entry => entry.kind === 'event' ? entry.timeNs : -1)
  t.deepEqual(times, Array.from({ length: count }, (_, i) => i))
})

test('a kernel with a log has the digest of one without', t => {
  const digestOf = (kernel: Kernel): string => {
    const again = kernel.define(argument => {
      if (argument > 0) {
        kernel.schedule(kernel.nowNs + argument, again, argument - 1)
      }
    }, 'again')
    kernel.schedule(1, again, 100)
    kernel.run()
    return kernel.digest()
  }
  let bytes = 0
  const log = new EventLog(chunk => { bytes += chunk.length })
  t.is(digestOf(new Kernel({ eventLog: log })), digestOf(new Kernel()))
  log.finish()
  t.is(bytes, 16 + 'again'.length + 101 * 16)
})
