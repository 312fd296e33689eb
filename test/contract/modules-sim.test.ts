import { SimWire } from '../../src/wires/sim.ts'
import { contractSuite } from './contract-suite.ts'
import { allModuleContracts } from './module-contracts/modules.ts'

contractSuite(new SimWire(), allModuleContracts)
