import { TcpWire } from '../../src/wires/tcp.ts'
import { contractSuite } from '../contract/contract-suite.ts'
import { moduleContracts } from '../contract/module-contracts/modules.ts'

contractSuite(new TcpWire(), moduleContracts)
