import test from 'ava'
import { LazySignal } from '../../src/optim/lazy-signal.ts'

test('a signal is the same for all who look, before and after it is aborted, and its first reason counts', t => {
  const lazy = new LazySignal()
  const early = lazy.signal
  lazy.abort(() => new Error('first'))
  lazy.abort(() => new Error('second'))
  t.is(lazy.signal, early)
  t.true(lazy.aborted)
  t.like(early.reason, { message: 'first' })
})

test('who looks at it only after it was aborted finds it aborted', t => {
  const lazy = new LazySignal()
  t.false(lazy.aborted)
  lazy.abort(() => new Error('first'))
  lazy.abort(() => new Error('second'))
  t.true(lazy.signal.aborted)
  t.like(lazy.signal.reason, { message: 'first' })
})

test('an error is made only where somebody looks', t => {
  let made = 0
  new LazySignal().abort(() => {
    made++
    return new Error('unseen')
  })
  t.is(made, 0)
})
