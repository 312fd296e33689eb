import test from 'ava'
import { quantile } from '../../src/stats/quantile.ts'
import { SimExperiment, valuesOf } from '../fixtures/experiment-units.ts'

const experiment = await SimExperiment.load('cellular-queue')
const seed = 'example'

async function medianOf (name: string, arm: string): Promise<number> {
  return quantile(valuesOf(await experiment.run({ case: name, arm, seed }), 'request'), 0.5)
}

test('the example of a link that follows a trace runs, and FQ-CoDel spares requests the download\'s queue', async t => {
  const [dropTail, fqCodel] = [await medianOf('drop-tail', 'plain'), await medianOf('fq-codel', 'plain')]
  // A stream and a reply are two round trips of 60 ms, behind any queue.
  t.true(fqCodel > 120 && fqCodel < dropTail, `${fqCodel} and ${dropTail} ms`)
})

test('behind FQ-CoDel a request on a stream that is kept, by hand or by the pool, takes one round trip and less than two', async t => {
  for (const arm of ['kept-streams', 'pool']) {
    const median = await medianOf('fq-codel', arm)
    t.true(median > 60 && median < 120, `${arm}: ${median} ms`)
  }
})

test('a request is one attempt on the connection that there is, and sends half as much where streams are kept, by hand or by the pool; the download is nobody\'s cost', async t => {
  const sent = new Map<string, number>()
  for (const arm of experiment.loaded.experiment.arms.map(({ name }) => name)) {
    const result = await experiment.run({ case: 'fq-codel', arm, seed })
    t.deepEqual([valuesOf(result, 'attempts'), valuesOf(result, 'connections')], [[1], [0]], arm)
    const [bytes, ...others] = valuesOf(result, 'sent-bytes')
    t.deepEqual(others, [])
    sent.set(arm, bytes)
  }
  const { plain, pool, 'kept-streams': kept } = Object.fromEntries(sent)
  // The request and what acknowledges two segments. Of the download, half the time 8 Mbit/s, come some 50 kB a request.
  t.true(pool > 100 && pool < 1_000, `${pool} B`)
  t.true(pool < plain / 2 && kept < plain / 2, `${plain}, ${kept} and ${pool} B`)
})

test('a request that fails is one attempt, too', async t => {
  const result = await experiment.run({ case: 'drop-tail', arm: 'plain', seed, parameters: { deadlineMs: 100 } })
  const [first] = result.samples.filter(({ metric }) => metric === 'request')
  // TCP, multistream-select and Noise alone take three round trips of 60 ms.
  t.false(first.ok)
  t.deepEqual(valuesOf(result, 'attempts'), [1])
})
