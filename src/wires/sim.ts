import { randomStream } from '../core/random.ts'
import { MemoryRecorder } from '../core/recorder.ts'
import { TwinwireError } from '../core/errors.ts'
import { msToNs } from '../core/units.ts'
import { Kernel } from '../sim/kernel.ts'
import { VirtualClock } from '../sim/virtual-clock.ts'
import { SimNetwork } from './sim-network.ts'
import type { Host, Role, RunOutcome, RunRequest, Wire } from './wire.ts'
import { runError } from './wire.ts'

/**
 * Everything simulated, in virtual time and in this process: modelled libp2p peers over simulated TCP. Runs with the
 * same request do the same, event by event; the outcome's trace hash proves it.
 */
export class SimWire implements Wire {
  readonly name = 'sim'

  async run ({ scenario, rolesModule, parameters, seed, signal }: RunRequest): Promise<RunOutcome> {
    const { roles } = await import(rolesModule.href) as { roles: Readonly<Record<string, Role>> }
    const kernel = new Kernel()
    const random = randomStream(seed)
    const recorder = new MemoryRecorder()
    const network = new SimNetwork(kernel, random.fork('network'), scenario)
    const over = new AbortController()
    const plays: Array<{ readonly host: Host, readonly role: Role, readonly clock: VirtualClock }> = []
    let failure: unknown
    let limitReached = false

    /** Runs one phase on every host, in virtual time, until all are done or one failed. */
    const phase = async (begin: (host: Host, role: Role) => Promise<void> | void): Promise<void> => {
      let open = plays.length
      for (const { host, role } of plays) {
        Promise.resolve().then(() => begin(host, role)).catch((error: unknown) => { failure ??= error }).finally(() => { open-- })
      }
      await kernel.runAsync(() => open === 0 || failure !== undefined || limitReached || signal?.aborted === true)
    }

    try {
      for (const { name, role: roleName } of scenario.hosts) {
        const role = roles[roleName]
        if (role === undefined) {
          throw new TwinwireError('ERR_INVALID_OPTION', `host ${name} plays no known role`, { path: 'scenario.hosts', expected: `one of ${Object.keys(roles).join(', ')}`, found: roleName })
        }
        const clock = new VirtualClock(kernel)
        plays.push({
          role,
          clock,
          host: {
            name,
            scenario,
            node: network.node(name),
            clock,
            random: random.fork(`host:${name}`),
            recorder,
            signal: over.signal,
            peer: other => network.peer(other)
          }
        })
      }
      await phase(async (host, role) => { await role.setUp?.(host, parameters) })
      const zeroNs = kernel.nowNs
      for (const { clock } of plays) {
        clock.zeroNs = zeroNs
      }
      network.scheduleFaults(zeroNs)
      const limit = kernel.define(() => {
        limitReached = true
        kernel.wake()
      })
      kernel.schedule(zeroNs + msToNs(scenario.limitMs), limit, 0)
      if (failure === undefined) {
        await phase(async (host, role) => { await role.run?.(host, parameters) })
      }
      if (limitReached) {
        failure ??= new TwinwireError('ERR_TIMEOUT', `the run was not over after ${scenario.limitMs} ms`, { path: 'scenario.limitMs' })
      }
      network.checkConservation()
    } catch (error) {
      failure ??= error
    } finally {
      over.abort(new TwinwireError('ERR_STOPPED', 'the run is over'))
      network.stop()
    }
    return {
      events: recorder.events,
      traceHash: `${kernel.digest()}-${recorder.digest()}`,
      interrupted: signal?.aborted === true,
      ...(failure === undefined ? {} : { error: runError(failure) })
    }
  }

  async stop (): Promise<void> {}
}
