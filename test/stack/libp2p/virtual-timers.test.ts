import { environment } from '../../../src/libp2p/environment.ts'
import { scheduler, setInterval as every, setTimeout as delay } from 'node:timers/promises'
import test from 'ava'
import { printed } from './virtual-process.ts'

test.serial('timers fire at their times to the nanosecond, in the order of their times and then of their starts', async t => {
  const startMs = performance.now()
  const seen: Array<[string, number]> = []
  const note = (name: string) => (): void => { seen.push([name, performance.now() - startMs]) }
  setTimeout(note('b'), 10)
  setTimeout(note('a'), 5)
  setTimeout(note('c'), 10)
  await delay(10)
  t.deepEqual(seen, [['a', 5], ['b', 10], ['c', 10]])
  t.is(environment.kernel.nowNs, (startMs + 10) * 1e6)
})

test.serial('a delay that is none, or a fraction, counts as Node counts it', async t => {
  for (const [delayMs, countedMs] of [[0, 1], [-5, 1], [NaN, 1], [2.9, 2], [2 ** 31, 1], [2 ** 31 - 1, 2 ** 31 - 1]]) {
    const startMs = performance.now()
    await new Promise<void>(resolve => setTimeout(resolve, delayMs))
    t.is(performance.now() - startMs, countedMs, String(delayMs))
  }
})

test.serial('intervals repeat until they are cleared, by their number too', async t => {
  const startMs = performance.now()
  const seen: number[] = []
  const interval = setInterval(() => {
    seen.push(performance.now() - startMs)
    if (seen.length === 3) {
      clearInterval(Number(interval))
    }
  }, 7)
  await delay(100)
  t.deepEqual(seen, [7, 14, 21])
  let ticks = 0
  for await (const _ of every(3)) {
    if (++ticks === 4) {
      break
    }
  }
  t.is(performance.now() - startMs, 100 + 12)
})

test.serial('a timer can be refreshed, cancelled and disposed of', async t => {
  let fired = 0
  const timer = setTimeout(() => { fired++ }, 10)
  await delay(6)
  timer.refresh()
  await delay(6)
  t.is(fired, 0)
  await delay(6)
  t.is(fired, 1)
  {
    using disposed = setTimeout(() => { fired++ }, 1)
    t.true(disposed.hasRef())
  }
  clearTimeout(undefined)
  clearTimeout(timer)
  await delay(10)
  t.is(fired, 1)
})

test.serial('what is thrown for a callback that is none is Node\'s error', t => {
  t.throws(() => setTimeout('no function' as unknown as () => void), { code: 'ERR_INVALID_ARG_TYPE' })
})

test.serial('AbortSignal.timeout aborts at its time with a TimeoutError', async t => {
  const startMs = performance.now()
  const signal = AbortSignal.timeout(250)
  await new Promise(resolve => signal.addEventListener('abort', resolve, { once: true }))
  t.is(performance.now() - startMs, 250)
  t.is((signal.reason as Error).name, 'TimeoutError')
})

test.serial('a sleep of timers/promises ends with its signal, and so does scheduler.wait', async t => {
  const startMs = performance.now()
  await t.throwsAsync(delay(1_000, undefined, { signal: AbortSignal.timeout(10) }), { name: 'AbortError' })
  await t.throwsAsync(scheduler.wait(1_000, { signal: AbortSignal.timeout(10) }), { name: 'AbortError' })
  await t.throwsAsync(delay(1_000, undefined, { signal: AbortSignal.abort() }), { name: 'AbortError' })
  t.is(performance.now() - startMs, 20)
})

test.serial('turns of the event loop take no virtual time, however many', async t => {
  let late = false
  setTimeout(() => { late = true }, 1)
  for (let i = 0; i < 1_000; i++) {
    await new Promise(resolve => { setImmediate(resolve) })
  }
  t.false(late)
  clearImmediate(setImmediate(() => { t.fail('cancelled') }))
  await delay(1)
  t.true(late)
})

test.serial('timers that keep nobody waiting end with the process, and those that do are waited for', async t => {
  t.is(await printed("setInterval(() => {}, 10).unref(); setTimeout(() => console.log('an hour'), 3600e3)", '1'), 'an hour')
  t.is(await printed("setTimeout(() => console.log('never'), 1).unref()", '1'), '')
})

test.serial('a real timer of the time before is cleared as such, and cancels no stranger', async t => {
  const script = `
    const early = [setTimeout(() => console.log('early'), 1), setInterval(() => console.log('early'), 1)]
    const numbered = Number(setTimeout(() => console.log('numbered'), 1))
    await import(${JSON.stringify(new URL('../../../src/libp2p/environment.ts', import.meta.url).href)})
    for (let i = 0; i < 1000; i++) {
      setTimeout(() => { kept++ }, 1)
    }
    let kept = 0
    clearTimeout(early[0])
    clearInterval(early[1])
    clearTimeout(numbered)
    clearTimeout({ [Symbol.toPrimitive]: () => 2 ** 32 + 5 })
    setTimeout(() => console.log(kept), 2)`
  t.is(await printed(script), '1000')
})

test.serial('an interval of timers/promises ticks at its times, however slow who awaits it is', async t => {
  const startMs = performance.now()
  const seen: number[] = []
  for await (const _ of every(10)) {
    seen.push(performance.now() - startMs)
    if (seen.length === 4) {
      break
    }
    await delay(seen.length === 1 ? 25 : 5)
  }
  t.deepEqual(seen, [10, 35, 40, 45])
})
