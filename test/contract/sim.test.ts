import { SimWire } from '../../src/wires/sim.ts'
import { wireContractModule } from './contracts.ts'
import { contractSuite } from './contract-suite.ts'

contractSuite(new SimWire(), [wireContractModule])
