import { TcpWire } from '../../src/wires/tcp.ts'
import { contractSuite } from '../contract/contract-suite.ts'
import { allModuleContracts } from '../contract/module-contracts/modules.ts'

contractSuite(new TcpWire(), allModuleContracts)
