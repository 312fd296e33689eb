import test from 'ava'
import { parseScenario } from '../../src/wires/scenario.ts'
import type { Wire } from '../../src/wires/wire.ts'
import { contracts, scenarioOf } from './contracts.ts'

/** Declares one test a contract, one after the other: real peers should not be disturbed by others' work. */
export function contractSuite (wire: Wire): void {
  test.after.always(async () => { await wire.stop() })
  for (const [name, contract] of Object.entries(contracts)) {
    test.serial(contract.claim, async t => {
      t.timeout(60_000)
      const outcome = await wire.run({
        scenario: parseScenario(scenarioOf(contract, name)),
        rolesModule: new URL('./contracts.ts', import.meta.url),
        parameters: {},
        seed: `contract/${name}`
      })
      t.is(outcome.error, undefined)
      t.false(outcome.interrupted)
    })
  }
}
