import type { ScenarioInput } from '../../src/wires/scenario.ts'
import type { Role, WireName } from '../../src/wires/wire.ts'

/**
 * What an experiment or a module may rely on, whichever wire it runs on. Each contract is played by real roles on a real
 * scenario; an assertion that fails is the run's error.
 */
export interface Contract {
  readonly claim: string
  /** What differs from a client and a server with a path between them; hosts name the contract's own roles. */
  readonly scenario?: Partial<ScenarioInput>
  readonly roles: Readonly<Record<string, Role>>
  /** Why it cannot be played on such a wire. */
  readonly except?: { readonly [Name in WireName]?: string }
}

export type Contracts = Readonly<Record<string, Contract>>

/** Of every path that a contract does not say otherwise of. */
export const RTT_MS = 40

export const PATH = { from: 'client', to: 'server', forward: { delayMs: RTT_MS / 2 } }

/** The scenario of a contract, whose roles bear its name, as those of many contracts are in one module. */
export function scenarioOf ({ scenario = {} }: Contract, name: string): ScenarioInput {
  const { hosts = [{ name: 'client', role: 'client' }, { name: 'server', role: 'server' }] } = scenario
  return { paths: [PATH], limitMs: 30_000, ...scenario, hosts: hosts.map(host => ({ ...host, role: roleName(name, host.role) })) }
}

/** The roles of all contracts, as a wire wants them. */
export function rolesOf (contracts: Contracts): Readonly<Record<string, Role>> {
  return Object.fromEntries(Object.entries(contracts).flatMap(([name, { roles }]) =>
    Object.entries(roles).map(([role, play]) => [roleName(name, role), play])))
}

function roleName (contract: string, role: string): string {
  return `${contract} ${role}`
}
