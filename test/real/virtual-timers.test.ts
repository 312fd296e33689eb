import test from 'ava'
import { printed } from '../stack/libp2p/virtual-process.ts'

/** What a script prints in virtual time, which is to be what Node prints. */
const SAME_AS_NODE = [
  ['a timer that was cleared stays so when it is refreshed, also in its callback and after it fired', `
    const log = name => () => console.log(name)
    const early = setTimeout(log('early'), 1)
    clearTimeout(early)
    early.refresh()
    setInterval(log('interval'), 1).close().refresh()
    const inside = setTimeout(() => {
      console.log('inside')
      clearTimeout(inside)
      inside.refresh()
    }, 1)
    const fired = setTimeout(log('fired'), 1)
    let times = 0
    const again = setTimeout(() => {
      console.log('again')
      if (++times < 3) {
        again.refresh()
      }
    }, 1)
    setTimeout(() => {
      clearTimeout(fired)
      fired.refresh()
    }, 50)`],
  ['an interval is started anew when its callback is over', `
    const interval = setInterval(() => {
      console.log('interval')
      setTimeout(() => console.log('timeout'), 50)
    }, 50)
    setTimeout(() => clearInterval(interval), 175)`],
  ['an interval that is cleared in its callback, by its number, is over', `
    const interval = setInterval(() => {
      console.log('once')
      clearInterval(String(Number(interval)))
    }, 1)`],
  ['callbacks of nextTick come before promise jobs, and both before the next timer', `
    for (const name of ['a', 'b']) {
      setTimeout(() => {
        Promise.resolve().then(() => console.log(name, 'job'))
        process.nextTick(() => console.log(name, 'tick'))
      }, 1)
    }`],
  ['AbortSignal.timeout refuses what is no delay', `
    for (const args of [[], [-1], [NaN], [1.5], ['5'], [2 ** 32], [null], [0]]) {
      try {
        console.log(AbortSignal.timeout(...args).aborted)
      } catch (error) {
        console.log(error.code, error.message)
      }
    }
    process.exit()`],
  ['setImmediate takes its options, its arguments and nothing that is no function', `
    import { setImmediate as turn, scheduler } from 'node:timers/promises'
    const controller = new AbortController()
    const aborted = turn('value', { signal: controller.signal })
    controller.abort('because')
    await aborted.catch(error => console.log(error.name, error.code, error.cause))
    await turn(1, { signal: AbortSignal.abort() }).catch(error => console.log(error.code))
    await turn(1, { signal: 'none' }).catch(error => console.log(error.code))
    console.log(await turn('value'), await scheduler.yield())
    const handle = setImmediate(function (...args) { console.log(this === handle, args) }, 1, 2)
    try {
      setImmediate('no function')
    } catch (error) {
      console.log(error.code, error.message)
    }
    clearImmediate(undefined)`],
  ['disposing of an immediate cancels it, and time goes on', `
    {
      using immediate = setImmediate(() => console.log('never'))
      console.log(immediate.hasRef())
    }
    setTimeout(() => console.log('later'), 5)`],
  ['an interval of timers/promises ends with its signal, and what was missed comes at once', `
    import { setInterval as every, setTimeout as delay } from 'node:timers/promises'
    const controller = new AbortController()
    let ticks = 0
    try {
      for await (const value of every(100, 'tick', { signal: controller.signal })) {
        console.log(value)
        if (++ticks === 1) {
          await delay(350)
        } else if (ticks === 4) {
          setTimeout(() => controller.abort('enough'), 1)
        }
      }
    } catch (error) {
      console.log(error.name, error.code, error.cause)
    }`]
] as const

for (const [title, script] of SAME_AS_NODE) {
  test.serial(`as in Node, ${title}`, async t => {
    const real = await printed(script)
    t.not(real, '')
    t.is(await printed(script, '1'), real)
  })
}
