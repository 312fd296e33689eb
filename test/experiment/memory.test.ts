import test from 'ava'
import { roles as memoryRoles } from '../../experiments/memory.ts'
import { loadExperiment } from '../../src/experiment/registry.ts'
import { runUnit } from '../../src/experiment/run-unit.ts'
import { SimWire } from '../../src/wires/sim.ts'
import type { Host, ProcessMemory, Role } from '../../src/wires/wire.ts'

const PEERS = 5
const NOTHING: ProcessMemory = { usedBytes: 0, residentBytes: 0 }

/** How many peers the measured host knew addresses of, at each reading of a run. */
let known: Array<Promise<number>> = []

/** Simulated hosts share a process: what is read of it says nothing, and when it is read all that is asked here. */
export const roles: Readonly<Record<string, Role>> = {
  ...memoryRoles,
  'measured-client': { run: async (host, run) => { await memoryRoles['measured-client'].run?.(withMeter(host), run) } }
}

function withMeter (host: Host): Host {
  const servers = host.scenario.hosts.filter(({ role }) => role === 'server').map(({ name }) => host.peer(name).id)
  const knownNow = async (): Promise<number> => {
    const entries = await Promise.allSettled(servers.map(async id => await host.node.peerStore.get(id)))
    return entries.filter(entry => entry.status === 'fulfilled' && entry.value.addresses.length > 0).length
  }
  const collected = (): ProcessMemory => {
    known.push(knownNow())
    return NOTHING
  }
  return { ...host, peer: name => host.peer(name), traffic: () => host.traffic(), memory: { now: () => NOTHING, collected } }
}

test('before memory is first read a client knows the addresses of all its servers, with modules and without', async t => {
  const loaded = { ...await loadExperiment('memory'), rolesModule: new URL(import.meta.url) }
  const parameters = loaded.experiment.parameters.parse({ peers: PEERS, loadMs: 2_000 }) as Record<string, number>
  for (const { name: arm } of loaded.experiment.arms) {
    known = []
    const { error } = await runUnit({ loaded, parameters, unit: { wire: 'sim', case: 'client', arm, seed: 'memory' }, wire: new SimWire() })
    t.is(error, undefined, arm)
    t.deepEqual(await Promise.all(known), [PEERS, PEERS, PEERS], arm)
  }
})
