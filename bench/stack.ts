import { nullCipher, simulatedTcp } from '../src/libp2p/index.ts'
import type { Connection, Stream } from '@libp2p/interface'
import type { Libp2p } from 'libp2p'
import { createPeer } from '../src/wires/libp2p-node.ts'
import { print } from './measurement.ts'

// js-libp2p over simulated TCP in virtual time: what each operation costs, both ends together.

const ECHO = '/bench/echo/1.0.0'
const SINK = '/bench/sink/1.0.0'
const ACCESS = { forward: { delayMs: 10 } }
const REPETITIONS = 5
const BULK_BYTES = 64e6
const CHUNK_BYTES = 64 * 1024

interface Case {
  readonly name: string
  readonly operations: number
  readonly run: () => Promise<void>
}

async function createNode (seed: string, cipher: string): Promise<Libp2p> {
  const node = await createPeer({
    seed, listen: ['/ip4/0.0.0.0/tcp/4001'], transport: simulatedTcp({ access: ACCESS }), ...cipher === 'null' && { crypto: nullCipher }
  })
  await node.handle(ECHO, stream => {
    stream.addEventListener('message', ({ data }) => stream.send(data))
    stream.addEventListener('remoteCloseWrite', () => { void stream.close() })
  })
  await node.handle(SINK, stream => {
    stream.addEventListener('message', () => {})
    stream.addEventListener('remoteCloseWrite', () => { void stream.close() })
  })
  return node
}

async function echo (stream: Stream): Promise<void> {
  await new Promise<void>(resolve => {
    stream.addEventListener('message', () => resolve(), { once: true })
    stream.send(new Uint8Array(64))
  })
}

async function closed (stream: Stream): Promise<void> {
  const end = new Promise<void>(resolve => { stream.addEventListener('close', () => resolve(), { once: true }) })
  await stream.close()
  await end
}

async function sendBulk (stream: Stream): Promise<void> {
  const chunk = new Uint8Array(CHUNK_BYTES)
  for (let sent = 0; sent < BULK_BYTES; sent += CHUNK_BYTES) {
    if (!stream.send(chunk)) {
      await new Promise<void>(resolve => { stream.addEventListener('drain', () => resolve(), { once: true }) })
    }
  }
  await closed(stream)
}

async function repeated (count: number, action: () => Promise<unknown>): Promise<void> {
  for (let i = 0; i < count; i++) {
    await action()
  }
}

function cases (client: Libp2p, server: Libp2p, connection: Connection, stream: Stream): Case[] {
  return [
    { name: 'stack-echo', operations: 5_000, run: async () => { await repeated(5_000, async () => { await echo(stream) }) } },
    {
      name: 'stack-stream-echo-close',
      operations: 1_000,
      run: async () => {
        await repeated(1_000, async () => {
          const opened = await connection.newStream(ECHO)
          await echo(opened)
          await closed(opened)
        })
      }
    },
    {
      name: 'stack-dial',
      operations: 200,
      run: async () => {
        await repeated(200, async () => { await (await client.dial(server.getMultiaddrs(), { force: true })).close() })
      }
    },
    { name: 'stack-bulk-megabyte', operations: BULK_BYTES / 1e6, run: async () => { await sendBulk(await connection.newStream(SINK)) } }
  ]
}

for (const cipher of ['real', 'null']) {
  const [client, server] = [await createNode(`client ${cipher}`, cipher), await createNode(`server ${cipher}`, cipher)]
  const connection = await client.dial(server.getMultiaddrs())
  const stream = await connection.newStream(ECHO)
  for (const { name, operations, run } of cases(client, server, connection, stream)) {
    const seconds: number[] = []
    let simulatedMs = 0
    for (let i = 0; i < REPETITIONS; i++) {
      const [startMs, before] = [performance.now(), process.cpuUsage()]
      await run()
      seconds.push(process.cpuUsage(before).user / 1e6)
      simulatedMs = performance.now() - startMs
    }
    const cpuSeconds = seconds.toSorted((a, b) => a - b)[Math.floor(REPETITIONS / 2)]
    print({
      name,
      parameters: { cipher, operations },
      cpuSeconds,
      repetitionsCpuSeconds: seconds,
      events: operations,
      peakResidentBytes: process.resourceUsage().maxRSS * 1024,
      result: { microsecondsEach: cpuSeconds / operations * 1e6, simulatedMs }
    })
  }
  await Promise.all([client.stop(), server.stop()])
}
