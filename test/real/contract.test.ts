import { TcpWire } from '../../src/wires/tcp.ts'
import { contractSuite } from '../contract/contract-suite.ts'

contractSuite(new TcpWire())
