import type { RandomStream } from '../../src/core/random.ts'
import { NS_PER_S } from '../../src/core/units.ts'
import { PORT } from '../../src/path/path.ts'
import type { Path } from '../../src/path/path.ts'
import { rounded } from '../../src/path/summary.ts'
import type { Row } from '../../src/path/summary.ts'
import { Fabric } from '../../src/sim/session/fabric.ts'
import { SimMultiaddr } from '../../src/sim/session/identity.ts'
import { SimNode } from '../../src/sim/session/node.ts'
import type { SimStream } from '../../src/sim/session/stream.ts'
import { VirtualClock } from '../../src/sim/virtual-clock.ts'
import { mean, quantile } from '../../src/stats/quantile.ts'

const ECHO = '/echo/1.0.0'
const BULK = '/bulk/1.0.0'
const SERVER = '/ip4/10.0.0.2/tcp/5001'
const ECHO_BYTES = 64
const BULK_BYTES = 10_000_000
/** What is written at a time. */
const CHUNK_BYTES = 64 * 1024
/** The simulated peers' answer to a transfer. */
const ANSWER_BYTES = 1
/** Virtual time after which a session has failed. */
const LIMIT_S = 3600

/** What one pair of peers took for each step, in milliseconds. */
export interface SessionRun {
  readonly dial: number
  readonly newstream: number
  /** newStream and the first echo together. */
  readonly first_echo: number
  readonly second_stream_echo: number
  readonly warm_echo: number
  /** NaN where no transfer was asked for. */
  readonly bulk: number
}

/** Simulated js-libp2p peers at the ends of a path: dial, streams and echoes, and perhaps 10 MB. */
export async function runSession (path: Path, random: RandomStream, withBulk: boolean): Promise<SessionRun | undefined> {
  const clock = new VirtualClock(path.kernel)
  const fabric = new Fabric(path.kernel, clock, ({ endpoint }) => endpoint === SERVER ? { node: path.server, port: PORT } : undefined)
  const client = new SimNode(fabric, { name: 'client', tcp: path.clients[0], addresses: [new SimMultiaddr('/ip4/10.0.0.1/tcp/5001')], random: random.fork('client') })
  const server = new SimNode(fabric, { name: 'server', tcp: path.serverHost, addresses: [new SimMultiaddr(SERVER)], random: random.fork('server') })
  server.listen(PORT)
  await server.handle(ECHO, stream => { stream.addEventListener('message', ({ data }) => { stream.send(data) }) })
  await server.handle(BULK, stream => {
    let missing = BULK_BYTES
    stream.addEventListener('message', ({ data }) => {
      missing -= data.byteLength
      if (missing === 0) {
        stream.send(new Uint8Array(ANSWER_BYTES))
      }
    })
  })

  const timed = async (step: () => Promise<unknown>): Promise<number> => {
    const startMs = clock.now()
    await step()
    return clock.now() - startMs
  }
  const session = async (): Promise<SessionRun> => {
    const dial = await timed(async () => await client.dial(new SimMultiaddr(SERVER)))
    const [connection] = client.getConnections()
    const openAndEcho = async (): Promise<{ stream: SimStream, openMs: number, echoMs: number }> => {
      const startMs = clock.now()
      const stream = await connection.newStream(ECHO)
      const openMs = clock.now() - startMs
      return { stream, openMs, echoMs: await timed(async () => await exchange(stream, ECHO_BYTES, ECHO_BYTES)) }
    }
    const first = await openAndEcho()
    const second = await openAndEcho()
    const warm = await timed(async () => await exchange(second.stream, ECHO_BYTES, ECHO_BYTES))
    const bulk = withBulk
      ? await timed(async () => await exchange(await connection.newStream(BULK), BULK_BYTES, ANSWER_BYTES))
      : NaN
    return { dial, newstream: first.openMs, first_echo: first.openMs + first.echoMs, second_stream_echo: second.openMs + second.echoMs, warm_echo: warm, bulk }
  }
  let result: SessionRun | undefined
  let ended = false
  // A session that fails is counted, as the reference counts them.
  void session().then(run => { result = run }, () => {}).finally(() => { ended = true })
  await path.kernel.runAsync(() => ended, path.startNs + LIMIT_S * NS_PER_S)
  client.stop()
  server.stop()
  return result
}

/** The reference's row, the processor's time not modelled. */
export function summarizeSessions (runs: ReadonlyArray<SessionRun | undefined>): Row {
  const good = runs.filter(run => run !== undefined)
  const row: Row = { n_echo: good.length, n_fail: runs.length - good.length }
  for (const step of ['dial', 'newstream', 'first_echo', 'second_stream_echo', 'warm_echo'] as const) {
    for (const percentile of [50, 90, 99]) {
      row[`${step}_p${percentile}_ms`] = rounded(quantile(good.map(run => run[step]), percentile / 100))
    }
  }
  const seconds = good.map(({ bulk }) => bulk / 1e3).filter(bulk => Number.isFinite(bulk))
  return { ...row, n_bulk: seconds.length, bulk10MB_mean_s: rounded(mean(seconds)), goodput_mean_mbps: rounded(mean(seconds.map(bulk => BULK_BYTES * 8e-6 / bulk))) }
}

/** Sends so many bytes, heeding back-pressure, and waits for so many back. */
async function exchange (stream: SimStream, sendBytes: number, answerBytes: number): Promise<void> {
  const answered = new Promise<void>((resolve, reject) => {
    let missing = answerBytes
    stream.addEventListener('message', ({ data }) => {
      missing -= data.byteLength
      if (missing <= 0) {
        resolve()
      }
    })
    stream.addEventListener('close', ({ error }) => { reject(error ?? new Error('the stream was closed')) })
  })
  // Awaited below; what ends the stream meanwhile must not count as unhandled.
  answered.catch(() => {})
  for (let sent = 0; sent < sendBytes; sent += CHUNK_BYTES) {
    if (!stream.send(new Uint8Array(Math.min(CHUNK_BYTES, sendBytes - sent)))) {
      // A stream that ends will not drain.
      await Promise.race([answered, new Promise<void>(resolve => { stream.addEventListener('drain', () => { resolve() }, { once: true }) })])
    }
  }
  await answered
}
