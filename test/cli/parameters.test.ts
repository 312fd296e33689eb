import test from 'ava'
import { experiment } from '../fixtures/experiments/queueing.ts'
import { parseParameters } from '../../src/cli/parameters.ts'

test('what is not set has its default', t => {
  t.deepEqual(parseParameters(experiment, []), {
    delayMs: 80, rateBitsPerSecond: 10e6, requestBytes: 1024, requests: 5, warm: false, fault: 'none', unitTimeMs: 0
  })
})

test('quantities may bear a unit, and are otherwise in that of their name', t => {
  t.like(parseParameters(experiment, ['delayMs=1.5s', 'rateBitsPerSecond=2mbit', 'requestBytes=64KiB']), {
    delayMs: 1500, rateBitsPerSecond: 2e6, requestBytes: 65536
  })
  t.like(parseParameters(experiment, ['delayMs=20', 'rateBitsPerSecond=1e6', 'requestBytes=10']), {
    delayMs: 20, rateBitsPerSecond: 1e6, requestBytes: 10
  })
})

test('the last setting of a name wins, and booleans are words', t => {
  t.like(parseParameters(experiment, ['requests=1', 'warm=true', 'requests=7']), { requests: 7, warm: true })
  t.throws(() => parseParameters(experiment, ['warm=yes']), { code: 'ERR_INVALID_OPTION', message: /true or false/ })
})

test('a count with a fraction or no value is refused', t => {
  t.throws(() => parseParameters(experiment, ['requests=1.5']), { code: 'ERR_INVALID_OPTION', message: /at requests/ })
  t.throws(() => parseParameters(experiment, ['requests=']), { code: 'ERR_INVALID_OPTION', message: /at requests/ })
  t.throws(() => parseParameters(experiment, ['delayMs=Infinity']), { code: 'ERR_INVALID_OPTION', message: /at delayMs/ })
})
