import test from 'ava'
import { parseScenario } from '../../src/wires/scenario.ts'
import { scenarioOf } from './contract.ts'
import type { Wire } from '../../src/wires/wire.ts'
import type { Contracts } from './contract.ts'

/** A module that exports contracts, and their roles as `roles`. */
export interface ContractModule {
  readonly url: URL
  readonly contracts: Contracts
}

/** Declares one test a contract, one after the other: real peers should not be disturbed by others' work. */
export function contractSuite (wire: Wire, modules: readonly ContractModule[]): void {
  test.after.always(async () => { await wire.stop() })
  for (const { url, contracts } of modules) {
    for (const [name, contract] of Object.entries(contracts)) {
      if (contract.except?.[wire.name] !== undefined) {
        continue
      }
      test.serial(contract.claim, async t => {
        t.timeout(60_000)
        const outcome = await wire.run({
          scenario: parseScenario(scenarioOf(contract, name)),
          rolesModule: url,
          parameters: { realTime: wire.name === 'tcp' },
          seed: `contract/${name}`
        })
        t.is(outcome.error, undefined)
        t.false(outcome.interrupted)
      })
    }
  }
}
