import { SimWire } from '../../src/wires/sim.ts'
import { contractSuite } from './contract-suite.ts'
import { moduleContracts } from './module-contracts/modules.ts'

contractSuite(new SimWire(), moduleContracts)
