import test from 'ava'
import { TwinwireError } from '../../../src/core/errors.ts'
import { refusalOf } from '../../../src/optim/timeouts/retry-decision.ts'
import type { RetryQuestion } from '../../../src/optim/timeouts/retry-decision.ts'

const allowed: RetryQuestion = { error: undefined, repeatable: true, attemptsLeft: 1, timeLeftMs: 1_000 }

function named (name: string): Error {
  return Object.assign(new Error(name), { name })
}

test('what passes is repeated: resets, time-outs, and a handshake that failed for whatever reason', t => {
  // libp2p's upgrader turns all that goes wrong in a handshake, another peer's identity too, into EncryptionFailedError.
  for (const error of [undefined, new TwinwireError('ERR_TIMEOUT', ''), new TwinwireError('ERR_CHECKSUM', ''), ...['EncryptionFailedError', 'StreamResetError', 'MuxerClosedError', 'TimeoutError'].map(named)]) {
    t.is(refusalOf({ ...allowed, error }), undefined)
  }
})

test('what another attempt would meet again is not: limits, ejection, refusals, denials, identities, bugs', t => {
  for (const error of [
    ...(['ERR_NO_ADDRESS', 'ERR_PEER_MISMATCH', 'ERR_QUEUE_FULL', 'ERR_OVERLOADED', 'ERR_PEER_EJECTED', 'ERR_REMOTE_FAILED', 'ERR_TOO_MANY_WAITERS'] as const).map(code => new TwinwireError(code, '')),
    ...['DialDeniedError', 'ConnectionInterceptedError', 'UnexpectedPeerError', 'UnsupportedProtocolError'].map(named),
    new TypeError('a bug')
  ]) {
    t.is(refusalOf({ ...allowed, error }), 'futile', error.message)
  }
})

test('of several addresses one that may do better is enough', t => {
  t.is(refusalOf({ ...allowed, error: new AggregateError([named('DialDeniedError'), named('EncryptionFailedError')]) }), undefined)
  t.is(refusalOf({ ...allowed, error: new AggregateError([named('DialDeniedError'), named('NoValidAddressesError')]) }), 'futile')
  t.is(refusalOf({ ...allowed, error: new AggregateError([]) }), undefined)
})

test('the reasons come in order: futile, not idempotent, attempts, deadline', t => {
  const hopeless = { error: new TwinwireError('ERR_NO_ADDRESS', ''), repeatable: false, attemptsLeft: 0, timeLeftMs: 0 }
  t.is(refusalOf(hopeless), 'futile')
  const passing = { ...hopeless, error: new TwinwireError('ERR_DIAL_FAILED', '') }
  t.is(refusalOf(passing), 'not-idempotent')
  t.is(refusalOf({ ...passing, repeatable: true }), 'attempts')
  t.is(refusalOf({ ...passing, repeatable: true, attemptsLeft: 1 }), 'deadline')
  t.is(refusalOf({ ...passing, repeatable: true, attemptsLeft: 1, timeLeftMs: 1 }), undefined)
})
