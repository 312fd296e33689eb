import { queryObjects } from 'node:v8'
import test from 'ava'
import { loadExperiment } from '../../src/experiment/registry.ts'
import { runUnit } from '../../src/experiment/run-unit.ts'
import { UNLIMITED_SESSION } from '../../src/sim/session/options.ts'
import { createPeer } from '../../src/wires/libp2p-node.ts'
import { kernelTcp } from '../../src/wires/tcp/kernel-tcp.ts'
import { warmUp } from '../../src/wires/tcp/warm-up.ts'
import { TcpWire } from '../../src/wires/tcp.ts'

const PEERS = 20
const wire = new TcpWire()
const loaded = await loadExperiment('memory', new URL('../../experiments/', import.meta.url))

test.after.always(async () => { await wire.stop() })

for (const name of ['server', 'client']) {
  test.serial(`what a ${name} with ${PEERS} peers takes is measured once in each phase, and all peers ask it`, async t => {
    const parameters = loaded.experiment.parameters.parse({ peers: PEERS, connectingMs: 1_000, loadMs: 1_000, deadlineMs: 60_000 }) as Record<string, number>
    const { samples, error } = await runUnit({ loaded, parameters, unit: { wire: 'tcp', case: name, arm: 'plain', seed: 'memory' }, wire })
    t.is(error, undefined)
    const of = (metric: string): number[] => samples.filter(sample => sample.metric === metric).map(({ value }) => value)
    for (const metric of ['used-a-peer', 'connected-a-peer', 'resident']) {
      t.is(of(metric).length, 1, metric)
    }
    // A first request of each, at least.
    t.true(of('request').length >= PEERS)
    // What is in use is less than what the system has given.
    t.true(of('used-a-peer')[0] * PEERS < of('resident')[0])
    // A load of a second with half a second to settle, looked at every 100 ms.
    t.is(of('resident-under-load').length, 15)
  })
}

test.serial('of the hundred connections that a process is warmed up with, the last at most is in its memory afterwards', async t => {
  const transport = kernelTcp(UNLIMITED_SESSION)
  const [one, other] = await Promise.all(['one', 'other'].map(async seed => await createPeer({ seed, transport })))
  const { constructor: Connection } = await one.dial(other.getMultiaddrs())
  await Promise.all([one.stop(), other.stop()])
  const before = Number(queryObjects(Connection))
  const limit = Object.getOwnPropertyDescriptor(AbortSignal, 'timeout')
  await warmUp()
  t.deepEqual(Object.getOwnPropertyDescriptor(AbortSignal, 'timeout'), limit)
  // Both ends of it.
  t.true(Number(queryObjects(Connection)) - before <= 2)
})
