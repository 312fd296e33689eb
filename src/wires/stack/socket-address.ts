import type { Multiaddr } from '@multiformats/multiaddr'
import { TwinwireError } from '../../core/errors.ts'
import type { SocketAddress } from './byte-network.ts'

/** Whether the simulated network has such addresses: `/ip4/<address>/tcp/<port>`, perhaps with `/p2p/<peer>`. */
export function isSimulated (address: Multiaddr): boolean {
  return /^ip4,tcp(,p2p)?$/.test(address.getComponents().map(({ name }) => name).join())
}

/**
 * @throws ERR_INVALID_OPTION for an address that the simulated network has not
 */
export function socketAddress (address: Multiaddr): SocketAddress {
  const [ip, port] = address.getComponents()
  if (!isSimulated(address) || ip.value === undefined || port.value === undefined) {
    throw new TwinwireError('ERR_INVALID_OPTION', 'the simulated network has no such addresses', { expected: '/ip4/<address>/tcp/<port>', found: address.toString() })
  }
  return { ip: ip.value, port: Number(port.value) }
}
