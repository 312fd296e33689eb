import { TcpWire } from '../../src/wires/tcp.ts'
import { wireContractModule } from '../contract/contracts.ts'
import { contractSuite } from '../contract/contract-suite.ts'

contractSuite(new TcpWire(), [wireContractModule])
