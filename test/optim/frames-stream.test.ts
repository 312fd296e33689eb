import test from 'ava'
import { encodeFrame } from '../../src/optim/frames.ts'
import { serveRequests } from '../../src/optim/reply-stream.ts'
import { RequestStream } from '../../src/optim/request-stream.ts'
import { PairedStream } from './paired-stream.ts'

const text = (value: string): Uint8Array => new TextEncoder().encode(value)
const echo = (payload: Uint8Array): Uint8Array => payload

test('requests on a kept stream are answered one after the other', async t => {
  const [outbound, inbound] = PairedStream.pair()
  const served = serveRequests(inbound, async payload => text(`${new TextDecoder().decode(payload)}!`))
  for (const word of ['a', 'b', '']) {
    t.is(new TextDecoder().decode(await RequestStream.of(outbound).request(text(word))), `${word}!`)
  }
  t.true(RequestStream.of(outbound).usable)
  await outbound.close()
  await served
  t.is(inbound.status, 'closed')
  await Promise.resolve()
  t.is(outbound.status, 'closed')
  t.is(inbound.listeners, 0)
  t.is(outbound.listeners, 0)
})

test('a stream keeps its reader: whoever uses it again adds no listener', async t => {
  const [outbound, inbound] = PairedStream.pair()
  void serveRequests(inbound, echo)
  await RequestStream.of(outbound).request(text('a'))
  const { listeners } = outbound
  t.is(RequestStream.of(outbound), RequestStream.of(outbound))
  await RequestStream.of(outbound).request(text('b'))
  t.is(outbound.listeners, listeners)
  await outbound.close()
})

test('a second request while one is outstanding is refused, and harms the first in nothing', async t => {
  const [outbound, inbound] = PairedStream.pair()
  void serveRequests(inbound, echo)
  const first = RequestStream.of(outbound).request(text('a'))
  await t.throwsAsync(RequestStream.of(outbound).request(text('b')), { code: 'ERR_INVALID_STATE' })
  t.deepEqual(await first, text('a'))
  t.true(RequestStream.of(outbound).usable)
})

test('back-pressure works every time, not once: no chunk is sent before each drain', async t => {
  const [outbound, inbound] = PairedStream.pair()
  void serveRequests(inbound, () => text('ok'))
  outbound.drain(1)
  const reply = RequestStream.of(outbound).request(new Uint8Array(1024 * 1024))
  // 1 MiB and its 3 bytes of length, in chunks of 63 KiB.
  for (let sent = 1; sent <= 17; sent++) {
    await new Promise(resolve => setImmediate(resolve))
    t.is(outbound.sends.length, sent)
    outbound.drain(1)
  }
  t.is(new TextDecoder().decode(await reply), 'ok')
  t.is(Math.max(...outbound.sends), 63 * 1024)
})

test('an abort rejects with its reason, leaves no listener of its own, and the stream is used no more', async t => {
  const [outbound] = PairedStream.pair()
  const controller = new AbortController()
  const reply = RequestStream.of(outbound).request(text('a'), { signal: controller.signal })
  controller.abort(new Error('enough'))
  await t.throwsAsync(reply, { message: 'enough' })
  t.false(RequestStream.of(outbound).usable)
  await t.throwsAsync(RequestStream.of(outbound).request(text('b')), { code: 'ERR_STREAM_CLOSED' })
})

test('an abort while the request waits for room rejects as well', async t => {
  const [outbound] = PairedStream.pair()
  outbound.drain(1)
  const controller = new AbortController()
  const reply = RequestStream.of(outbound).request(new Uint8Array(200_000), { signal: controller.signal })
  await new Promise(resolve => setImmediate(resolve))
  controller.abort(new Error('enough'))
  await t.throwsAsync(reply, { message: 'enough' })
  outbound.drain(10)
  t.is(outbound.sends.length, 1)
})

test('a frame that answers nothing ends the stream', async t => {
  const [outbound, inbound] = PairedStream.pair()
  void serveRequests(inbound, echo)
  await RequestStream.of(outbound).request(text('a'))
  outbound.receive(encodeFrame(text('unasked')))
  t.is(outbound.status, 'aborted')
  await t.throwsAsync(RequestStream.of(outbound).request(text('b')), { code: 'ERR_FRAME_INVALID' })
})

test('a second reply in the same bytes as the first spoils the stream, not the reply', async t => {
  const [outbound] = PairedStream.pair()
  const reply = RequestStream.of(outbound).request(text('a'))
  outbound.receive(Buffer.concat([encodeFrame(text('1')), encodeFrame(text('2'))]))
  t.deepEqual(await reply, text('1'))
  t.false(RequestStream.of(outbound).usable)
})

test('a remote close or a reset before the reply is an error, in the middle of a frame too', async t => {
  const closed = PairedStream.pair()
  const first = t.throwsAsync(RequestStream.of(closed[0]).request(text('a')), { code: 'ERR_STREAM_CLOSED' })
  await closed[1].close()
  await first

  const cut = PairedStream.pair()
  const second = t.throwsAsync(RequestStream.of(cut[0]).request(text('a')), { code: 'ERR_STREAM_CLOSED', message: /middle of a frame/ })
  cut[0].receive(encodeFrame(text('hello')).subarray(0, 3))
  await cut[1].close()
  await second

  const reset = PairedStream.pair()
  const third = t.throwsAsync(RequestStream.of(reset[0]).request(text('a')), { name: 'StreamResetError' })
  reset[1].abort(new Error('the far side failed'))
  await third
})

test('a stream that the far side closed after its reply is used no more, and says why to whoever asks', async t => {
  const [outbound, inbound] = PairedStream.pair()
  const ending = new AbortController()
  const served = serveRequests(inbound, echo, { ending: ending.signal })
  const requests = RequestStream.of(outbound)
  await requests.request(text('a'))
  ending.abort()
  await served
  await Promise.resolve()
  t.false(requests.usable)
  await t.throwsAsync(requests.request(text('b')), { code: 'ERR_STREAM_CLOSED' })
})

test('a reply above the limit is refused by its length', async t => {
  const [outbound, inbound] = PairedStream.pair()
  void serveRequests(inbound, () => new Uint8Array(1001))
  await t.throwsAsync(RequestStream.of(outbound, 1000).request(text('a')), { code: 'ERR_FRAME_TOO_LARGE' })
  t.is(outbound.status, 'aborted')
})

test('a responder that throws resets the stream, and nothing rejects unheard', async t => {
  const [outbound, inbound] = PairedStream.pair()
  const served = serveRequests(inbound, () => { throw new Error('no') })
  await t.throwsAsync(RequestStream.of(outbound).request(text('a')), { name: 'StreamResetError' })
  await served
  t.is(inbound.listeners, 0)
})

test('who floods a responder with requests is reset', async t => {
  const [outbound, inbound] = PairedStream.pair()
  const served = serveRequests(inbound, async payload => await new Promise(resolve => setImmediate(() => resolve(payload))))
  for (let i = 0; i < 100 && outbound.status === 'open'; i++) {
    outbound.send(encodeFrame(text('flood')))
    await Promise.resolve()
  }
  await served
  t.is(outbound.status, 'reset')
})

test('serving ends with the stream though a responder hangs, whose signal is aborted; a mere half-close is still answered', async t => {
  const [outbound, inbound] = PairedStream.pair()
  let aborted: unknown
  const served = serveRequests(inbound, async (_payload, { signal }) => await new Promise(() => {
    signal.addEventListener('abort', () => {
      aborted = signal.reason
    })
  }))
  outbound.send(encodeFrame(new Uint8Array(3)))
  await new Promise(resolve => setImmediate(resolve))
  outbound.abort(new Error('enough'))
  await served
  t.like(aborted, { code: 'ERR_STREAM_CLOSED' })

  const [asking, answering] = PairedStream.pair()
  const reply = Promise.withResolvers<Uint8Array>()
  const done = serveRequests(answering, () => reply.promise)
  const answer = RequestStream.of(asking).request(new Uint8Array(3))
  await asking.close()
  await new Promise(resolve => setImmediate(resolve))
  reply.resolve(new Uint8Array(7))
  t.is((await answer).byteLength, 7)
  await done
})
