import { tcp } from '@libp2p/tcp'
import type { Libp2pOptions } from 'libp2p'
import type { SessionOptions } from '../../sim/session/options.ts'

/** libp2p's own transport, over the kernel's TCP. */
export function kernelTcp ({ socketInactivityMs }: SessionOptions): NonNullable<Libp2pOptions['transports']>[number] {
  return tcp({ inboundSocketInactivityTimeout: socketInactivityMs, outboundSocketInactivityTimeout: socketInactivityMs })
}
