import test from 'ava'
import type { Connection, NetworkNode, StreamHandler } from '../../src/optim/port.ts'
import { PERF_PROTOCOL, perfTransfer, servePerf, WITHOUT_END_BYTES } from '../../src/workload/perf.ts'
import { PairedStream } from '../optim/paired-stream.ts'

const { signal } = new AbortController()

/** A client's stream to a server of the protocol, and the server's end of it. */
async function pair (): Promise<{ client: PairedStream, server: PairedStream, served: Promise<void> }> {
  const handlers = new Map<string, StreamHandler>()
  await servePerf({ handle: async (protocol: string, handler: StreamHandler) => { handlers.set(protocol, handler) } } as NetworkNode)
  const [client, server] = PairedStream.pair('1', PERF_PROTOCOL)
  const served = Promise.resolve(handlers.get(PERF_PROTOCOL)?.(server, {} as Connection))
  return { client, server, served }
}

test('the client says in eight bytes, big-endian, what it wants, and the server answers with that once the client has closed', async t => {
  const { client, server, served } = await pair()
  const received: number[] = []
  client.addEventListener('message', ({ data }) => received.push(data.byteLength))
  client.send(new Uint8Array([0, 0, 0, 0, 0, 1]))
  client.send(new Uint8Array([0x86, 0xa1, 9, 9]))
  await new Promise(resolve => setImmediate(resolve))
  t.deepEqual(server.sends, [])
  await client.close()
  await served
  await new Promise(resolve => setImmediate(resolve))
  t.is(received.reduce((sum, count) => sum + count), 0x186a1)
  t.is(client.status, 'closed')
})

test('a request of less than eight bytes fails the handler, which resets its stream', async t => {
  const { client, served } = await pair()
  client.send(new Uint8Array(7))
  await client.close()
  await t.throwsAsync(served, { code: 'ERR_FRAME_INVALID' })
})

test('a transfer sends its header and what it uploads in blocks of 64 KiB, and waits for room', async t => {
  const { client } = await pair()
  client.roomForSends = 2
  const transfer = perfTransfer(client, { uploadBytes: 200_000, downloadBytes: 3, signal })
  await new Promise(resolve => setImmediate(resolve))
  t.deepEqual(client.sends, [8, 65_536])
  client.drain(Infinity)
  await transfer
  t.deepEqual(client.sends, [8, 65_536, 65_536, 65_536, 200_000 - 3 * 65_536])
  t.is(client.listeners, 0)
})

test('either direction ends when its bytes are enough', async t => {
  const up = await pair()
  await perfTransfer(up.client, { uploadBytes: WITHOUT_END_BYTES, downloadBytes: 0, onBytes: () => up.client.sends.length < 10, signal })
  t.is(up.client.sends.length, 10)
  t.is(up.client.status, 'closed')
  const down = await pair()
  down.server.roomForSends = 10
  let received = 0
  await perfTransfer(down.client, { uploadBytes: 0, downloadBytes: WITHOUT_END_BYTES, onBytes: () => ++received < 10, signal })
  t.is(down.client.status, 'aborted')
  await t.throwsAsync(down.served, { name: 'StreamResetError' })
})

test('a transfer fails with what ended its stream, with the signal\'s reason, and where bytes are missing', async t => {
  const reset = await pair()
  reset.server.roomForSends = 1
  const broken = perfTransfer(reset.client, { uploadBytes: 1, downloadBytes: 100_000, signal })
  setImmediate(() => reset.server.abort(new Error('no more')))
  await t.throwsAsync(broken, { name: 'StreamResetError' })
  await t.throwsAsync(reset.served, { message: 'no more' })

  const late = await pair()
  late.server.roomForSends = 1
  const controller = new AbortController()
  const cut = perfTransfer(late.client, { uploadBytes: 1, downloadBytes: 100_000, signal: controller.signal })
  setImmediate(() => controller.abort(new Error('too late')))
  await t.throwsAsync(cut, { message: 'too late' })
  await t.throwsAsync(late.served, { name: 'StreamResetError' })

  const [client, server] = PairedStream.pair()
  server.addEventListener('remoteCloseWrite', () => {
    server.send(new Uint8Array(2))
    void server.close()
  })
  await t.throwsAsync(perfTransfer(client, { uploadBytes: 1, downloadBytes: 3, signal }), { code: 'ERR_STREAM_CLOSED' })
})
