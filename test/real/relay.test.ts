import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import test from 'ava'
import { monotonicNowMs } from '../../src/wires/tcp/monotonic.ts'
import { Relay } from '../../src/wires/tcp/relay.ts'
import type { AddressInfo, Server, Socket } from 'node:net'
import type { AddressState, Fault, PathDirection } from '../../src/wires/scenario.ts'

// Real sockets and real time: lower bounds are exact (a relay is never early), upper bounds allow for a busy machine.
const LATE_MS = 25
const DELAY_MS = 30
const RTT_MS = 2 * DELAY_MS
const pair = { from: 'client', to: 'server' }

interface Line {
  readonly relay: Relay
  readonly port: number
  /** Every connection that the target accepted. */
  readonly accepted: Socket[]
  readonly client: Socket
  readonly startMs: number
  readonly stop: () => Promise<void>
}

/** Of lines: where an assertion fails nobody stops them, and what they listen at would keep the process open. */
const unstopped = new Set<() => Promise<void>>()

test.afterEach.always(async () => {
  for (const stop of unstopped) {
    await stop()
  }
})

/** A relayed path to a target that does what `serve` says with each connection, and one connection to it. */
async function line (init: {
  forward?: PathDirection
  backward?: PathDirection
  faults?: readonly Fault[]
  state?: AddressState
  serve?: (socket: Socket) => void
} = {}): Promise<Line> {
  const { forward = { delayMs: DELAY_MS }, backward = forward, faults = [], state = 'reachable', serve = () => {} } = init
  const accepted: Socket[] = []
  const target = createServer({ allowHalfOpen: true, noDelay: true }, socket => {
    accepted.push(socket)
    socket.on('error', () => {})
    serve(socket)
  })
  const targetPort = await listen(target)
  const relay = new Relay({ paths: [{ ...pair, forward, backward }], faults, seed: 'test' })
  const [port] = await relay.listen([{ ...pair, state, targetPort }])
  relay.begin(monotonicNowMs())
  const startMs = monotonicNowMs()
  const client = dial(port)
  const stop = async (): Promise<void> => {
    if (unstopped.delete(stop)) {
      await relay.close()
      client.destroy()
      accepted.forEach(socket => socket.destroy())
      target.close()
      await once(target, 'close')
    }
  }
  unstopped.add(stop)
  return {
    relay,
    port,
    accepted,
    client,
    startMs,
    stop
  }
}

function dial (port: number): Socket {
  const socket = connect({ host: '127.0.0.1', port, noDelay: true, allowHalfOpen: true })
  socket.on('error', () => {})
  return socket
}

async function listen (server: Server): Promise<number> {
  server.listen({ host: '127.0.0.1', port: 0 })
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}

function echo (socket: Socket): void {
  socket.on('data', chunk => socket.write(chunk))
  socket.on('end', () => socket.end())
}

async function nextData (socket: Socket): Promise<Buffer> {
  const [chunk] = await once(socket, 'data') as [Buffer]
  return chunk
}

/** A reset is an end like any other here; `once` would reject with it. */
async function closed (socket: Socket): Promise<void> {
  if (!socket.closed) {
    await new Promise<void>(resolve => socket.on('close', () => resolve()))
  }
}

async function pause (ms: number): Promise<void> {
  await new Promise(resolve => setTimeout(resolve, ms))
}

test.serial('the handshake is charged: the target hears of a connection after 1.5 RTT, the first answer takes 2', async t => {
  let acceptedMs = 0
  const { client, startMs, stop } = await line({
    serve: socket => {
      acceptedMs = monotonicNowMs()
      echo(socket)
    }
  })
  client.write('hello')
  t.is((await nextData(client)).toString(), 'hello')
  const answeredMs = monotonicNowMs() - startMs
  t.true(acceptedMs - startMs >= 1.5 * RTT_MS && acceptedMs - startMs < 1.5 * RTT_MS + LATE_MS)
  t.true(answeredMs >= 2 * RTT_MS && answeredMs < 2 * RTT_MS + LATE_MS, `${answeredMs} ms`)
  await stop()
})

test.serial('an echo on an open connection takes a round trip, each direction its own delay', async t => {
  const { client, stop } = await line({ forward: { delayMs: 20 }, backward: { delayMs: 50 }, serve: echo })
  client.write('first')
  await nextData(client)
  const startMs = monotonicNowMs()
  client.write('second')
  await nextData(client)
  const tookMs = monotonicNowMs() - startMs
  t.true(tookMs >= 70 && tookMs < 70 + LATE_MS, `${tookMs} ms`)
  await stop()
})

test.serial('the rate is shared by the connections of a path, in bytes of IP', async t => {
  // Two times 100 kB in 70 segments each: 1.66 Mbit of IP at 4 Mbit/s.
  const received = [0, 0]
  let doneMs = 0
  const finished = Promise.withResolvers<void>()
  const sockets: Socket[] = []
  const { client, port, startMs, stop } = await line({
    forward: { delayMs: 5, rateBitsPerSecond: 4e6 },
    serve: socket => {
      const index = sockets.push(socket) - 1
      socket.on('data', chunk => {
        received[index] += chunk.length
        if (received[0] + received[1] === 200_000) {
          doneMs = monotonicNowMs()
          finished.resolve()
        }
      })
    }
  })
  const second = dial(port)
  client.write(Buffer.alloc(100_000))
  second.write(Buffer.alloc(100_000))
  await finished.promise
  const expectedMs = 15 + 2 * (100_000 + 70 * 52) * 8 / 4e3
  t.true(doneMs - startMs >= expectedMs, `${doneMs - startMs} of ${expectedMs} ms`)
  // Chunks are cut anew where the relay reads them: a few more headers.
  t.true(doneMs - startMs < expectedMs * 1.02 + LATE_MS, `${doneMs - startMs} of ${expectedMs} ms`)
  second.destroy()
  await stop()
})

test.serial('a large chunk arrives bit by bit, not all at its end', async t => {
  const arrivals: number[] = []
  const finished = Promise.withResolvers<void>()
  let bytes = 0
  const { client, stop } = await line({
    forward: { delayMs: 5, rateBitsPerSecond: 4e6 },
    serve: socket => socket.on('data', chunk => {
      arrivals.push(monotonicNowMs())
      bytes += chunk.length
      if (bytes === 50_000) {
        finished.resolve()
      }
    })
  })
  client.write(Buffer.alloc(50_000))
  await finished.promise
  // 50 kB take 100 ms; the first segment 3.
  t.true(arrivals[arrivals.length - 1] - arrivals[0] > 90)
  t.true(arrivals.length > 10)
  await stop()
})

test.serial('a sender is made to wait when path and queue are full', async t => {
  const { client, stop } = await line({ forward: { delayMs: 10, rateBitsPerSecond: 1e6, queue: { limitBytes: 20_000 } } })
  client.write(Buffer.alloc(50_000_000))
  await pause(300)
  // The relay holds 22.5 kB and what it read last; the rest is the kernels' buffers, a few megabytes on Linux.
  t.true(client.writableLength > 30_000_000, `${client.writableLength} B wait`)
  await stop()
})

test.serial('a target that reads nothing makes its sender wait, and others on the path go on', async t => {
  const silent = new Set<Socket>()
  const { client, port, stop } = await line({
    serve: socket => {
      if (silent.size === 0) {
        silent.add(socket.pause())
      } else {
        echo(socket)
      }
    }
  })
  client.write(Buffer.alloc(100_000_000))
  await pause(600)
  t.true(client.writableLength > 50_000_000, `${client.writableLength} B wait`)
  const second = dial(port)
  const startMs = monotonicNowMs()
  second.write('hello')
  await nextData(second)
  t.true(monotonicNowMs() - startMs < 2 * RTT_MS + 4 * LATE_MS)
  second.destroy()
  await stop()
})

test.serial('the end of one direction crosses the path and leaves the other open', async t => {
  const endedMs = Promise.withResolvers<number>()
  const { client, accepted, stop } = await line({ serve: socket => socket.resume().on('end', () => endedMs.resolve(monotonicNowMs())) })
  client.write('x')
  await pause(1.5 * RTT_MS + LATE_MS)
  const startMs = monotonicNowMs()
  client.end()
  const tookMs = await endedMs.promise - startMs
  t.true(tookMs >= DELAY_MS && tookMs < DELAY_MS + LATE_MS, `${tookMs} ms`)
  accepted[0].write('still here')
  t.is((await nextData(client)).toString(), 'still here')
  const ended = once(client, 'end')
  accepted[0].end()
  client.resume()
  await ended
  await stop()
})

test.serial('a reset by one end reaches the other after the delay', async t => {
  const failed = Promise.withResolvers<{ code: unknown, atMs: number }>()
  const { client, accepted, stop } = await line({ serve: socket => socket.on('error', error => failed.resolve({ code: 'code' in error && error.code, atMs: monotonicNowMs() })) })
  client.write('x')
  await pause(1.5 * RTT_MS + LATE_MS)
  t.is(accepted.length, 1)
  accepted[0].resume()
  const startMs = monotonicNowMs()
  client.resetAndDestroy()
  const { code, atMs } = await failed.promise
  t.is(code, 'ECONNRESET')
  t.true(atMs - startMs >= DELAY_MS && atMs - startMs < DELAY_MS + LATE_MS)
  await stop()
})

test.serial('a refused address is reset after a round trip, and nobody hears of it', async t => {
  const { client, accepted, startMs, stop } = await line({ state: 'refused' })
  await closed(client)
  const tookMs = monotonicNowMs() - startMs
  t.true(tookMs >= RTT_MS && tookMs < RTT_MS + LATE_MS, `${tookMs} ms`)
  t.is(accepted.length, 0)
  await stop()
})

test.serial('a black-holed address takes everything and answers nothing', async t => {
  const { client, accepted, stop } = await line({ state: 'black-hole' })
  client.write(Buffer.alloc(100_000))
  const heard = Promise.race([nextData(client), closed(client)]).then(() => true)
  t.false(await Promise.race([heard, pause(4 * RTT_MS).then(() => false)]))
  t.is(accepted.length, 0)
  await stop()
})

test.serial('a client that gives up during the handshake never reaches the target', async t => {
  const { client, accepted, stop } = await line({ serve: echo })
  await once(client, 'connect')
  client.resetAndDestroy()
  await pause(2 * RTT_MS + LATE_MS)
  t.is(accepted.length, 0)
  await stop()
})

test.serial('a fault resets the open connections of its path at both ends, and new ones open', async t => {
  const { client, accepted, port, startMs, stop } = await line({ faults: [{ kind: 'reset', ...pair, atMs: 200 }], serve: echo })
  client.write('x')
  await nextData(client)
  await Promise.all([closed(client), closed(accepted[0])])
  t.true(monotonicNowMs() - startMs >= 199 && monotonicNowMs() - startMs < 200 + LATE_MS)
  const second = dial(port)
  second.write('again')
  t.is((await nextData(second)).toString(), 'again')
  second.destroy()
  await stop()
})

test.serial('a stall holds what is sent until its end', async t => {
  const { client, startMs, stop } = await line({ faults: [{ kind: 'stall', ...pair, atMs: 200, durationMs: 300 }], serve: echo })
  client.write('x')
  await nextData(client)
  await pause(210 - (monotonicNowMs() - startMs))
  client.write('held')
  t.is((await nextData(client)).toString(), 'held')
  const atMs = monotonicNowMs() - startMs
  t.true(atMs >= 499 + RTT_MS && atMs < 500 + RTT_MS + LATE_MS, `${atMs} ms`)
  await stop()
})

test.serial('a black hole that ends is found out by TCP\'s next repetition', async t => {
  const { client, startMs, stop } = await line({ faults: [{ kind: 'black-hole', ...pair, atMs: 200, durationMs: 300, scope: 'all' }], serve: echo })
  client.write('x')
  await nextData(client)
  await pause(250 - (monotonicNowMs() - startMs))
  const sentMs = monotonicNowMs() - startMs
  client.write('lost')
  t.is((await nextData(client)).toString(), 'lost')
  const atMs = monotonicNowMs() - startMs
  // RTO = RTT + 200 ms: repeated 260 ms after it was sent, by when the hole has ended (at 500 ms).
  const expectedMs = sentMs + RTT_MS + 200 + RTT_MS
  t.true(atMs >= expectedMs - 1 && atMs < expectedMs + LATE_MS, `${atMs} ms, expected ${expectedMs}`)
  await stop()
})

test.serial('a black hole for existing connections lets new ones pass, and their own end is not heard of', async t => {
  const { client, accepted, port, startMs, stop } = await line({ faults: [{ kind: 'black-hole', ...pair, atMs: 200, scope: 'existing' }], serve: echo })
  client.write('x')
  await nextData(client)
  await pause(220 - (monotonicNowMs() - startMs))
  client.write('lost')
  let heard = false
  client.on('data', () => { heard = true })
  const second = dial(port)
  second.write('new')
  t.is((await nextData(second)).toString(), 'new')
  client.end()
  await pause(RTT_MS)
  t.false(heard)
  t.false(accepted[0].readableEnded)
  t.false(accepted[0].destroyed)
  second.destroy()
  await stop()
})

test.serial('hosts that no path joins are black holes to each other', async t => {
  const relay = new Relay({ paths: [], faults: [], seed: 'test' })
  const [port] = await relay.listen([{ ...pair, state: 'reachable', targetPort: 1 }])
  const client = dial(port)
  client.write('x')
  const end = closed(client).then(() => 'closed')
  t.is(await Promise.race([end, pause(50)]), undefined)
  await relay.close()
  t.is(await end, 'closed')
})

test.serial('ports of one host ascend as text in the order of its addresses, as libp2p\'s peer store sorts them', async t => {
  const relay = new Relay({ paths: [{ ...pair, forward: { delayMs: 0 }, backward: { delayMs: 0 } }], faults: [], seed: 'test' })
  try {
    const states = ['black-hole', 'reachable', 'refused', 'reachable', 'black-hole', 'reachable', 'refused', 'reachable'] as const
    const ports = await relay.listen(states.map(state => ({ ...pair, state, targetPort: 1 })))
    t.deepEqual(ports, ports.toSorted((a, b) => String(a).localeCompare(String(b))))
  } finally {
    await relay.close()
  }
})
