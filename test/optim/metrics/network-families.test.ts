import test from 'ava'
import { networkFamilies } from '../../../src/optim/metrics/network-families.ts'
import { createNetworkHistograms } from '../../../src/optim/metrics/network-snapshot.ts'
import { openMetricsText } from '../../../src/optim/metrics/open-metrics.ts'
import { fullSnapshot } from './full-snapshot.ts'
import { parseOpenMetrics } from './open-metrics-parser.ts'
import type { NetworkSnapshot } from '../../../src/optim/metrics/network-snapshot.ts'
import type { ParsedSample } from './open-metrics-parser.ts'

function samplesOf (snapshot: () => NetworkSnapshot): ParsedSample[] {
  return parseOpenMetrics(new TextEncoder().encode(openMetricsText(networkFamilies(snapshot)))).flatMap(({ samples }) => samples)
}

test('every number of a snapshot is exported once, those that adaptive timeouts and requests both count apart', t => {
  const numbers = [fullSnapshot.requests, fullSnapshot.pool, fullSnapshot.timeouts, fullSnapshot.bandwidth, fullSnapshot.batching, fullSnapshot.health]
    .flatMap(part => JSON.stringify(part).match(/\d{3}/g) ?? []).map(Number)
  // Requests are counted whether adaptive timeouts are on or not.
  const expected = numbers.filter(number => ![301, 302, 303].includes(number))
  const exported = samplesOf(() => fullSnapshot).map(({ value }) => value).filter(value => value > 100)
  t.deepEqual(exported.toSorted((a, b) => a - b), expected.toSorted((a, b) => a - b))
})

test('all names begin with twinwire_, and no help is empty', t => {
  for (const { name, help } of networkFamilies(() => fullSnapshot)) {
    t.regex(name, /^twinwire_[a-z_]+$/)
    t.regex(help, /^[A-Z].*\.$/)
  }
})

test('failures are counted by reason, bytes by class', t => {
  const samples = samplesOf(() => fullSnapshot)
  t.deepEqual(samples.find(({ name }) => name === 'twinwire_request_failures_total'), { name: 'twinwire_request_failures_total', labels: new Map([['reason', 'ERR_DEADLINE']]), value: 1 })
  t.deepEqual(samples.filter(({ name }) => name === 'twinwire_upload_bytes_total').map(({ labels, value }) => [labels.get('class'), value]), [['urgent', 401], ['normal', 402], ['bulk', 403]])
})

test('what belongs to a module that is off is not there', t => {
  t.deepEqual(samplesOf(() => ({})), [])
  const withoutBatching = samplesOf(() => ({ histograms: createNetworkHistograms({ batching: false }) }))
  t.false(withoutBatching.some(({ name }) => name.startsWith('twinwire_batch')))
  for (const part of ['requests', 'pool', 'timeouts', 'bandwidth', 'batching', 'health', 'histograms'] as const) {
    const { [part]: _, ...others } = fullSnapshot
    const left = samplesOf(() => others).length
    t.is(left, samplesOf(() => fullSnapshot).length - samplesOf(() => ({ [part]: fullSnapshot[part] })).length, part)
  }
})

test('one snapshot is taken for all that is read in one turn, another in the next', async t => {
  let taken = 0
  const families = networkFamilies(() => {
    taken++
    return { ...fullSnapshot, pool: { ...fullSnapshot.pool, dials: taken } as NonNullable<NetworkSnapshot['pool']> }
  })
  await Promise.resolve()
  const before = taken
  t.true(openMetricsText(families).includes(`twinwire_pool_dials_total ${before + 1}\n`))
  t.is(taken, before + 1)
  await Promise.resolve()
  t.true(openMetricsText(families).includes(`twinwire_pool_dials_total ${before + 2}\n`))
})
