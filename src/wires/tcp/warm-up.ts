import { UNLIMITED_SESSION } from '../../sim/session/options.ts'
import { createPeer } from '../libp2p-node.ts'
import { kernelTcp } from './kernel-tcp.ts'

const PROTOCOL = '/twinwire/warm-up/1.0.0'
const ROUNDS = 100

/**
 * Makes a process ready to measure: its first dials take 25 ms of compiling and the hundredth 4 ms, and a run is to see
 * what an application that has been up for a while sees. Two nodes of this process dial each other, open a stream and
 * echo, over loopback. Next to nothing of them is in memory afterwards.
 */
export async function warmUp (): Promise<void> {
  const limits = limitsThatEnd()
  try {
    await dialEachOther()
  } finally {
    limits.end()
  }
}

async function dialEachOther (): Promise<void> {
  const transport = kernelTcp(UNLIMITED_SESSION)
  const [client, server] = await Promise.all([createPeer({ seed: 'warm-up/client', transport }), createPeer({ seed: 'warm-up/server', transport })])
  try {
    await server.handle(PROTOCOL, stream => {
      stream.addEventListener('message', event => stream.send(event.data))
    })
    const addresses = server.getMultiaddrs()
    for (let round = 0; round < ROUNDS; round++) {
      const connection = await client.dial(addresses)
      const stream = await connection.newStream(PROTOCOL)
      const answered = new Promise<void>(resolve => {
        stream.addEventListener('message', () => resolve(), { once: true })
      })
      stream.send(new Uint8Array(64))
      await answered
      await connection.close()
    }
  } finally {
    await Promise.all([client.stop(), server.stop()])
  }
}

/**
 * Until `end`, time limits of `AbortSignal.timeout` are timers of ours, which end then. Node's own last to their
 * end, whether or not anybody waits for what they limit, and until then libp2p's (10 s for an upgrade, 1 s for a close) keep
 * what they belong to: a run that measures a process's memory would find 3 MB in it that are gone later.
 */
function limitsThatEnd (): { end (): void } {
  const original = Object.getOwnPropertyDescriptor(AbortSignal, 'timeout')!
  const timers = new Set<NodeJS.Timeout>()
  AbortSignal.timeout = limitMs => {
    const limit = new AbortController()
    timers.add(setTimeout(() => limit.abort(new DOMException('The operation was aborted due to timeout', 'TimeoutError')), limitMs))
    return limit.signal
  }
  return {
    end () {
      Object.defineProperty(AbortSignal, 'timeout', original)
      timers.forEach(clearTimeout)
    }
  }
}
