import * as bandwidth from './bandwidth.ts'
import * as batching from './batching.ts'
import * as composition from './composition.ts'
import * as health from './health.ts'
import * as pool from './pool.ts'
import * as requests from './requests.ts'
import * as timeouts from './timeouts.ts'
import type { ContractModule } from '../contract-suite.ts'

/** The contracts of all modules, for a suite. */
export const moduleContracts: readonly ContractModule[] = [
  { url: new URL('./pool.ts', import.meta.url), contracts: pool.contracts },
  { url: new URL('./batching.ts', import.meta.url), contracts: batching.contracts },
  { url: new URL('./bandwidth.ts', import.meta.url), contracts: bandwidth.contracts },
  { url: new URL('./timeouts.ts', import.meta.url), contracts: timeouts.contracts },
  { url: new URL('./health.ts', import.meta.url), contracts: health.contracts },
  { url: new URL('./composition.ts', import.meta.url), contracts: composition.contracts },
  { url: new URL('./requests.ts', import.meta.url), contracts: requests.contracts }
]
