import { SimWire } from '../../src/wires/sim.ts'
import { contractSuite } from './contract-suite.ts'

contractSuite(new SimWire())
