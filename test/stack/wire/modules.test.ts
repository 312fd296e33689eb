import { StackWire } from '../../../src/wires/stack.ts'
import { contractSuite } from '../../contract/contract-suite.ts'
import { moduleContracts } from '../../contract/module-contracts/modules.ts'

contractSuite(new StackWire(), moduleContracts)
