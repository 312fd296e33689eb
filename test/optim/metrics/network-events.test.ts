import test from 'ava'
import * as fc from 'fast-check'
import { MemoryRecorder, nullRecorder } from '../../../src/core/recorder.ts'
import { fanOut, logged, NetworkEvents } from '../../../src/optim/network-events.ts'
import type { RecordedEvent } from '../../../src/core/recorder.ts'
import type { ComponentLogger, Logger } from '../../../src/optim/port.ts'

interface Dialled extends RecordedEvent {
  readonly type: 'pool:dial'
  readonly peer: string
}

interface Answered extends RecordedEvent {
  readonly type: 'timeouts:answered'
  readonly elapsedMs: number
}

type Event = Dialled | Answered

const dialled: Dialled = { type: 'pool:dial', timeMs: 1, host: 'h', peer: 'p%s' }
const answered: Answered = { type: 'timeouts:answered', timeMs: 2, host: 'h', elapsedMs: 3 }

/** Keeps what was logged. */
function fakeLogger (enabled: boolean, lines: unknown[][]): Logger {
  return Object.assign((...args: unknown[]) => void lines.push(args), {
    enabled,
    error: (...args: unknown[]) => void lines.push(['error', ...args])
  })
}

test('a listener gets the events of its type, typed, as CustomEvents with the event as detail', t => {
  const events = new NetworkEvents<Event>()
  const peers: string[] = []
  events.addEventListener('pool:dial', event => {
    t.true(event instanceof CustomEvent)
    t.is(event.type, 'pool:dial')
    t.is(event.detail, dialled)
    peers.push(event.detail.peer)
  })
  events.record(dialled)
  events.record(answered)
  t.deepEqual(peers, ['p%s'])
})

test('a listener that throws or rejects is reported, and the others are still called', async t => {
  const lines: unknown[][] = []
  const events = new NetworkEvents<Event>(fakeLogger(false, lines))
  const [thrown, rejected] = [new Error('thrown'), new Error('rejected')]
  const rejecting: () => unknown = () => Promise.reject(rejected)
  let called = 0
  events.addEventListener('pool:dial', () => {
    throw thrown
  })
  events.addEventListener('pool:dial', rejecting)
  events.addEventListener('pool:dial', () => void called++)
  t.notThrows(() => events.record(dialled))
  t.is(called, 1)
  await Promise.resolve()
  t.deepEqual(lines.map(([kind, , type, error]) => [kind, type, error]), [['error', 'pool:dial', thrown], ['error', 'pool:dial', rejected]])
})

test('as in the DOM: added twice called once, once means once, what is added or removed while an event is told holds from then on', t => {
  const events = new NetworkEvents<Event>()
  const calls: string[] = []
  const second = (): void => void calls.push('second')
  const late = (): void => void calls.push('late')
  const first = (): void => {
    calls.push('first')
    events.removeEventListener('pool:dial', second)
    events.addEventListener('pool:dial', late)
  }
  events.addEventListener('pool:dial', first, { once: true })
  events.addEventListener('pool:dial', first)
  events.addEventListener('pool:dial', second)
  events.record(dialled)
  t.deepEqual(calls, ['first'])
  events.record(dialled)
  t.deepEqual(calls, ['first', 'late'])
  events.removeAll()
  events.record(dialled)
  t.deepEqual(calls, ['first', 'late'])
})

test('listeners are called as those of an EventTarget are, whatever is added, removed and recorded', t => {
  // Nothing is added while an event is told: Node's EventTarget may call that at once, against the DOM's own text (2.9, inner invoke: a clone).
  const types = ['pool:dial', 'timeouts:answered'] as const
  const action = fc.record({ kind: fc.constantFrom('add', 'once', 'remove', 'record'), type: fc.constantFrom(...types), which: fc.nat(2), removing: fc.option(fc.nat(2)) })
  fc.assert(fc.property(fc.array(action, { maxLength: 12 }), actions => {
    const logs = [new NetworkEvents<Event>(), new EventTarget()].map(target => {
      const log: string[] = []
      let during: (() => void) | undefined
      const listeners = [0, 1, 2].map(index => (event: { readonly type: string }) => {
        log.push(`${index} ${event.type}`)
        during?.()
      })
      for (const { kind, type, which, removing } of actions) {
        during = removing === null ? undefined : () => target.removeEventListener(type, listeners[removing])
        if (kind === 'remove') {
          target.removeEventListener(type, listeners[which])
        } else if (kind !== 'record') {
          target.addEventListener(type, listeners[which], { once: kind === 'once' })
        } else if (target instanceof NetworkEvents) {
          target.record(type === 'pool:dial' ? dialled : answered)
        } else {
          target.dispatchEvent(new CustomEvent(type))
        }
      }
      return log
    })
    t.deepEqual(logs[0], logs[1])
  }), { numRuns: 10_000 })
})

test('fanOut records with each, in order, and adds nothing where there is none or one', t => {
  const [first, second] = [new MemoryRecorder<Event>(), new MemoryRecorder<Event>()]
  fanOut([first, second]).record(dialled)
  t.deepEqual([first.events, second.events], [[dialled], [dialled]])
  t.is(fanOut([first]), first)
  t.is(fanOut([]), nullRecorder)
})

test('each module has a logger; an event is written with its fields where the logger is enabled, and not looked at elsewhere', t => {
  const lines: unknown[][] = []
  const names: string[] = []
  const components: ComponentLogger = {
    forComponent (name) {
      names.push(name)
      return fakeLogger(name === 'twinwire:pool', lines)
    }
  }
  const recorder = logged<Event>(components)
  const untouched = new Proxy(answered, {
    get: (target, key) => key === 'type' ? target.type : t.fail('read'),
    ownKeys: () => t.fail('listed')
  })
  for (const event of [dialled, untouched, dialled, untouched]) {
    recorder.record(event)
  }
  t.deepEqual(names, ['twinwire:pool', 'twinwire:timeouts'])
  t.deepEqual(lines, [['%s', 'dial peer=p%s'], ['%s', 'dial peer=p%s']])
})
