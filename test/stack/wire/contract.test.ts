import { StackWire } from '../../../src/wires/stack.ts'
import { wireContractModule } from '../../contract/contracts.ts'
import { contractSuite } from '../../contract/contract-suite.ts'

contractSuite(new StackWire(), [wireContractModule])
