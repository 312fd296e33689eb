import test from 'ava'
import type { Libp2p } from 'libp2p'
import type { NetworkNode } from '../../src/optim/port.ts'

test('a libp2p node satisfies the port with no adapter', t => {
  // The claim is the type: this file does not compile where it stops being true.
  const satisfied = (node: Libp2p): NetworkNode => node
  t.is(typeof satisfied, 'function')
})
