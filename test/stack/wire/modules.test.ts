import { StackWire } from '../../../src/wires/stack.ts'
import { contractSuite } from '../../contract/contract-suite.ts'
import { moduleContracts } from '../../contract/module-contracts/modules.ts'

// A run with libp2p's own code takes a second to load it. Left out are the modules that hardly notice what carries them:
// rates and times of theirs are the same on the simulator's sessions.
contractSuite(new StackWire(), moduleContracts(['pool', 'batching', 'health', 'composition']))
