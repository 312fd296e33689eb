import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { TUNNEL_PORT } from './layout.ts'
import type { Socket } from 'node:dgram'
import type { PacketEnd } from './live-network.ts'

/** What may wait for this process, as much as the kernel allows every user by default. A full queue's packets would be lost. */
const BUFFER_BYTES = 212_992

/** The hub's end of a host's tunnel: all that the host sends comes as datagrams, and what is sent arrives at the host. */
export class Tunnel implements PacketEnd {
  onPacket: ((datagram: Uint8Array) => void) | undefined
  readonly #socket: Socket = createSocket({ type: 'udp4', recvBufferSize: BUFFER_BYTES, sendBufferSize: BUFFER_BYTES })

  /** @param onError is told what the system could not do */
  constructor (onError: (error: NodeJS.ErrnoException) => void) {
    this.#socket.on('message', datagram => this.onPacket?.(datagram))
    this.#socket.on('error', (error: NodeJS.ErrnoException) => {
      // A host that has closed its end answers that nobody is there: the packet is lost, as with any host that is gone.
      if (error.code !== 'ECONNREFUSED') {
        onError(error)
      }
    })
  }

  /** @param ends addresses of both ends of the tunnel */
  async open (ends: { readonly hub: string, readonly host: string }): Promise<void> {
    this.#socket.bind(TUNNEL_PORT, ends.hub)
    await once(this.#socket, 'listening')
    this.#socket.connect(TUNNEL_PORT, ends.host)
    await once(this.#socket, 'connect')
  }

  send (datagram: Uint8Array): void {
    this.#socket.send(datagram)
  }

  async close (): Promise<void> {
    this.#socket.close()
    await once(this.#socket, 'close')
  }
}
