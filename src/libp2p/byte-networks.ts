import { ByteNetwork } from '../wires/stack/byte-network.ts'
import type { Environment } from './environment.ts'

const networks = new Set<ByteNetwork>()

/** A network whose events let virtual time pass. */
export function createByteNetwork ({ kernel, pilot }: Environment, resolve: ByteNetwork['resolve']): ByteNetwork {
  const network = new ByteNetwork({ kernel, resolve, onActivity: () => pilot.wake() })
  networks.add(network)
  return network
}

/** Nothing of it is open any more. */
export function closeByteNetwork ({ pilot }: Environment, network: ByteNetwork): void {
  network.openPorts.clear()
  networks.delete(network)
  // What its end set going is still to happen.
  pilot.wake()
}

/** What is open in all networks of the process. */
export function countOpen (): { readonly connections: number, readonly listeners: number } {
  let [connections, listeners] = [0, 0]
  for (const { connectionCount, openPorts } of networks) {
    connections += connectionCount
    listeners += openPorts.size
  }
  return { connections, listeners }
}
