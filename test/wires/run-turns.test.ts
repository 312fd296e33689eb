import { setImmediate as immediate } from 'node:timers/promises'
import test from 'ava'
import { monotonicNowMs } from '../../src/wires/tcp/monotonic.ts'
import { ProcessorLoad } from '../../src/wires/tcp/processor-load.ts'
import { RunTurns } from '../../src/wires/tcp/run-turns.ts'

/** Processors as busy as is said, one look after the other. */
function load (shares: number[]): Pick<ProcessorLoad, 'reset' | 'busyShare'> {
  return {
    reset () {},
    get busyShare () {
      return shares.shift() ?? 0
    }
  }
}

const ANOTHER = {}
const BUSY = { reset () {}, busyShare: 1 }

const going = (): AbortSignal => new AbortController().signal

test('a run that has the machine alone begins at once, however busy others keep it', async t => {
  const shares = [1, 1]
  await new RunTurns({ load: load(shares) }).calm(monotonicNowMs(), going())
  t.is(shares.length, 2, 'nobody looked')
})

test('a run begins beside others when processors have half of their time to spare', async t => {
  const shares = [0.9, 0.51, 0.5, 1]
  const turns = new RunTurns({ load: load(shares) })
  turns.begin(ANOTHER)
  await turns.calm(monotonicNowMs(), going())
  t.deepEqual(shares, [1])
})

test('a run waits for calm processors no longer than others are under way', async t => {
  const turns = new RunTurns({ load: BUSY })
  turns.begin(ANOTHER)
  const calm = turns.calm(monotonicNowMs(), going())
  turns.end(ANOTHER)
  await t.notThrowsAsync(calm)
})

test('a run that has waited for long enough begins, however busy something else keeps the machine', async t => {
  const turns = new RunTurns({ load: BUSY, longestWaitMs: 500 })
  turns.begin(ANOTHER)
  await t.notThrowsAsync(turns.calm(monotonicNowMs(), going()))
})

test('a run that is cut short does not wait', async t => {
  const turns = new RunTurns({ load: BUSY })
  turns.begin(ANOTHER)
  const controller = new AbortController()
  const calm = turns.calm(monotonicNowMs(), controller.signal)
  const startMs = monotonicNowMs()
  controller.abort()
  await calm
  // It would watch the processors for a second.
  t.true(monotonicNowMs() - startMs < 500)
})

test('the load is a share of all processors\' time since the last reset', t => {
  const processors = new ProcessorLoad()
  const untilMs = performance.now() + 200
  while (performance.now() < untilMs) { /* busy */ }
  const { busyShare } = processors
  t.true(busyShare > 0 && busyShare <= 1, `${busyShare}`)
  processors.reset()
  t.true(processors.busyShare >= 0 && processors.busyShare <= 1)
})

test('a run does not begin while processes are being warmed up', async t => {
  const turns = new RunTurns({ load: load([]) })
  const warmed = Promise.withResolvers<void>()
  void turns.warming.take(async () => { await warmed.promise })
  let begun = false
  const calm = turns.calm(monotonicNowMs(), going()).then(() => { begun = true })
  await immediate()
  t.false(begun)
  warmed.resolve()
  await calm
  t.true(begun)
})
