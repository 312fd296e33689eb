import test from 'ava'
import { ReorderingWindow } from '../../../src/sim/tcp/reordering-window.ts'

const LEAST = 80
const SMOOTHED = 1000

test('RFC 8985 6.2 step 4: duplicates widen the window by a quarter of the least round trip, once a round trip', t => {
  const window = new ReorderingWindow()
  t.is(window.ns(LEAST, SMOOTHED), 20)
  window.onDuplicate(10, 50)
  t.is(window.ns(LEAST, SMOOTHED), 40)
  window.onDuplicate(49, 90)
  t.is(window.ns(LEAST, SMOOTHED), 40)
  window.onDuplicate(50, 90)
  t.is(window.ns(LEAST, SMOOTHED), 60)
  t.is(window.ns(LEAST, 50), 50)
})

test('RFC 8985 6.2 step 4: after 16 recoveries without a duplicate the window is as at first', t => {
  const window = new ReorderingWindow()
  window.onDuplicate(10, 50)
  for (let i = 0; i < 15; i++) {
    window.onRecovered()
  }
  t.is(window.ns(LEAST, SMOOTHED), 40)
  window.onDuplicate(60, 70)
  for (let i = 0; i < 15; i++) {
    window.onRecovered()
  }
  t.is(window.ns(LEAST, SMOOTHED), 60)
  window.onRecovered()
  t.is(window.ns(LEAST, SMOOTHED), 20)
})
