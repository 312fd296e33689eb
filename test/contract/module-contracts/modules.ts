import * as bandwidth from './bandwidth.ts'
import * as batching from './batching.ts'
import * as composition from './composition.ts'
import * as health from './health.ts'
import * as pool from './pool.ts'
import * as requests from './requests.ts'
import * as timeouts from './timeouts.ts'
import type { ContractModule } from '../contract-suite.ts'

const modules = { pool, batching, bandwidth, timeouts, health, composition, requests } as const

export type ModuleName = keyof typeof modules

/** The contracts of these modules, for a suite. */
export function moduleContracts (names: readonly ModuleName[]): ContractModule[] {
  return names.map(name => ({ url: new URL(`./${name}.ts`, import.meta.url), contracts: modules[name].contracts }))
}

/** Those of all. */
export const allModuleContracts = moduleContracts(['pool', 'batching', 'bandwidth', 'timeouts', 'health', 'composition', 'requests'])
