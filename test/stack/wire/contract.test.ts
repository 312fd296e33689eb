import { StackWire } from '../../../src/wires/stack.ts'
import { contractSuite } from '../../contract/contract-suite.ts'

contractSuite(new StackWire())
