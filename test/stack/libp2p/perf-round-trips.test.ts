import { simulatedNetwork, simulatedTcp } from '../../../src/libp2p/index.ts'
import { noise } from '@chainsafe/libp2p-noise'
import { yamux } from '@chainsafe/libp2p-yamux'
import test from 'ava'
import { createLibp2p } from 'libp2p'
import type { Libp2p } from 'libp2p'
import { PERF_PROTOCOL, perfTransfer, servePerf } from '../../../src/workload/perf.ts'

// What js-libp2p 2.8 took, of which figures are published: the dial of its time, of libp2p's code of today. docs/libp2p-perf.md
// has the flights that 2.8 itself sends.

const RTT_MS = 63.3

const network = simulatedNetwork({ hosts: [{ name: 'client' }, { name: 'server' }], paths: [{ from: 'client', to: 'server', forward: { delayMs: RTT_MS / 2 } }] })

/** Noise 16, which js-libp2p 2.8 had, told the other end of no muxer; 17 does, unless it is told to name none. */
const WITHOUT_EARLY_MUXER = { extensions: { webtransportCerthashes: [], streamMuxers: [] } }

async function createNode (host: string, init: Parameters<typeof noise>[0]): Promise<Libp2p> {
  return await createLibp2p({
    addresses: { listen: network.addresses(host) },
    transports: [simulatedTcp({ host: network.host(host) })],
    connectionEncrypters: [noise(init)],
    streamMuxers: [yamux()]
  })
}

for (const [title, init, roundTrips] of [['with yamux agreed on in Noise\'s handshake takes 5', {}, 5], ['with yamux agreed on after it, as in js-libp2p 2.8, takes 6', WITHOUT_EARLY_MUXER, 6]] as const) {
  test.serial(`perf's connect and one byte ${title} round trips`, async t => {
    const [client, server] = [await createNode('client', init), await createNode('server', init)]
    await servePerf(server)
    const startMs = performance.now()
    const connection = await client.dial(server.getMultiaddrs(), { force: true })
    const stream = await connection.newStream(PERF_PROTOCOL)
    await perfTransfer(stream, { uploadBytes: 1, downloadBytes: 1, signal: new AbortController().signal })
    const tookMs = performance.now() - startMs
    // Without a rate nothing but delay is left; times are whole nanoseconds.
    t.true(Math.abs(tookMs - roundTrips * RTT_MS) < 1e-3, `${tookMs} ms`)
    await Promise.all([client.stop(), server.stop()])
  })
}
