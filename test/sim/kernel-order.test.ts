import test from 'ava'
import { Kernel } from '../../src/sim/kernel.ts'

test('after an event that woke somebody, callbacks of nextTick come first and promise jobs then, as between two timers of Node', async t => {
  const act = (name: string, seen: string[]): void => {
    void Promise.resolve().then(() => seen.push(`${name} job`))
    process.nextTick(() => seen.push(`${name} tick`))
    seen.push(name)
  }
  const real: string[] = []
  await new Promise<void>(resolve => {
    setTimeout(act, 1, 'first', real)
    setTimeout(act, 1, 'second', real)
    setTimeout(resolve, 1)
  })
  const kernel = new Kernel()
  const simulated: string[] = []
  const event = kernel.define(second => {
    kernel.wake()
    act(second === 0 ? 'first' : 'second', simulated)
  }, 'event')
  kernel.schedule(1, event, 0)
  kernel.schedule(1, event, 1)
  await kernel.runAsync(() => false, 1)
  t.deepEqual(simulated, real)
  t.deepEqual(simulated, ['first', 'first tick', 'first job', 'second', 'second tick', 'second job'])
})
