import test from 'ava'
import { TwinwireError } from '../../src/core/errors.ts'
import { outcomeOf } from '../../src/optim/attempt-outcome.ts'
import { WatchedAttempt } from '../../src/optim/watched-attempt.ts'
import type { ErrorCode } from '../../src/core/errors.ts'
import type { AttemptContext } from '../../src/optim/timeouts/request.ts'

interface Circumstances {
  readonly overdue?: boolean
  readonly expired?: boolean
  readonly aborted?: boolean
  readonly sent?: boolean
  readonly onFreshStream?: boolean
}

function attemptWith ({ overdue = false, expired = false, aborted = false, sent = false, onFreshStream = false }: Circumstances): WatchedAttempt {
  const context: AttemptContext = {
    signal: aborted ? AbortSignal.abort(new Error('enough')) : new AbortController().signal,
    attemptId: 1, attempt: 1, kind: 'first', timeoutMs: 100, overdue, expired,
    connecting () {}, opening () {}, sent () {}, arrived () {}, shared () {}, progress () {}, whenKept () {}
  }
  const attempt = new WatchedAttempt(context, { now: () => 0, setTimeout: () => ({ cancel () {} }) })
  attempt.onFreshStream = onFreshStream
  if (sent) {
    attempt.sent()
  }
  return attempt
}

function outcomeWith (code: ErrorCode, circumstances: Circumstances = {}): ReturnType<typeof outcomeOf> {
  return outcomeOf(new TwinwireError(code, ''), attemptWith(circumstances))
}

test('an overdue attempt is a failure only where its request\'s deadline has passed', t => {
  t.is(outcomeWith('ERR_TIMEOUT', { overdue: true, aborted: true, sent: true }), 'overdue')
  t.is(outcomeWith('ERR_DEADLINE', { overdue: true, expired: true, aborted: true, sent: true }), 'timeout')
  t.is(outcomeWith('ERR_DEADLINE', { expired: true, aborted: true, sent: true }), undefined)
})

test('a stream that had ended before anything was sent is of the past where it was kept, and the peer\'s failure where it was just opened', t => {
  t.is(outcomeWith('ERR_STREAM_CLOSED'), undefined)
  t.is(outcomeWith('ERR_STREAM_CLOSED', { onFreshStream: true }), 'failed')
  t.is(outcomeWith('ERR_STREAM_CLOSED', { sent: true }), 'failed')
})

test('what the caller gave up, our own limits, and what nobody can know of the peer say nothing', t => {
  t.is(outcomeWith('ERR_ABORTED', { aborted: true, sent: true }), undefined)
  t.is(outcomeWith('ERR_QUEUE_FULL'), undefined)
  t.is(outcomeWith('ERR_NO_ADDRESS'), undefined)
  t.is(outcomeOf(new TypeError('a bug'), attemptWith({ sent: true })), undefined)
})
