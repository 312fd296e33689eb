import { randomStream } from '../../../src/core/random.ts'
import { Kernel } from '../../../src/sim/kernel.ts'
import type { Link, LinkOptions } from '../../../src/sim/link.ts'
import { PacketNetwork } from '../../../src/sim/network.ts'
import type { ByteSink } from '../../../src/sim/observe/byte-sink.ts'
import { Packets } from '../../../src/sim/packets.ts'
import { TcpHost } from '../../../src/sim/tcp/host.ts'
import type { TcpOptions } from '../../../src/sim/tcp/options.ts'
import { IGNORING } from '../../../src/sim/tcp/socket-handler.ts'
import type { TcpSocket } from '../../../src/sim/tcp/socket.ts'

export const MS = 1e6
export const S = 1e9
export const CLIENT = 0
export const ROUTER = 1
export const SERVER = 2
export const PORT = 5001

export interface TracedPathOptions {
  readonly seed?: string
  /** From the router to the server: the others are fast and lose nothing. */
  readonly bottleneck?: LinkOptions
  readonly tcp?: Partial<TcpOptions>
}

/** A client and a server, joined through a router: 1 ms to it, and from it the bottleneck (10 Mbit/s and 19 ms, if nothing is said). */
export class TracedPath {
  readonly kernel = new Kernel()
  readonly network: PacketNetwork
  readonly clientHost: TcpHost
  readonly serverHost: TcpHost
  readonly bottleneck: Link

  constructor ({ seed = 'observe', bottleneck = { rateBitsPerSecond: 10e6, delayNs: 19 * MS }, tcp = {} }: TracedPathOptions = {}) {
    this.network = new PacketNetwork(this.kernel, new Packets(), randomStream(seed))
    this.network.addNode({ forwards: false })
    this.network.addNode()
    this.network.addNode({ forwards: false })
    const access = { rateBitsPerSecond: 1e9, delayNs: 1 * MS }
    this.network.addLink(CLIENT, ROUTER, access)
    this.network.addLink(ROUTER, CLIENT, access)
    this.bottleneck = this.network.link(this.network.addLink(ROUTER, SERVER, bottleneck))
    this.network.addLink(SERVER, ROUTER, { rateBitsPerSecond: 10e6, delayNs: 19 * MS })
    this.clientHost = new TcpHost(this.network, CLIENT, tcp)
    this.serverHost = new TcpHost(this.network, SERVER, tcp)
  }

  /** The client sends so much and closes; the server closes when it has all. */
  transfer (byteCount: number): TcpSocket {
    this.serverHost.listen(PORT, socket => {
      socket.handler = { ...IGNORING, onRemoteClose: () => socket.close() }
    })
    const client = this.clientHost.connect(SERVER, PORT)
    client.handler = {
      ...IGNORING,
      onConnected () {
        client.write(byteCount)
        client.close()
      }
    }
    return client
  }

  /** The client asks so often, the server answers with as many bytes; then the one closes, and the other. */
  askAndAnswer (times: number, closing: 'client' | 'server' = 'client'): TcpSocket {
    this.serverHost.listen(PORT, socket => {
      let answered = 0
      socket.handler = {
        ...IGNORING,
        onData (byteCount) {
          socket.write(byteCount)
          if (++answered === times && closing === 'server') {
            socket.close()
          }
        },
        onRemoteClose: () => socket.close()
      }
    })
    const client = this.clientHost.connect(SERVER, PORT)
    let asked = 1
    client.handler = {
      ...IGNORING,
      onConnected: () => client.write(200),
      onData () {
        if (asked++ < times) {
          client.write(200)
        } else if (closing === 'client') {
          client.close()
        }
      },
      onRemoteClose: () => client.close()
    }
    return client
  }

  run (untilNs?: number): void {
    this.kernel.run(untilNs)
    this.network.checkConservation()
  }
}

/** Keeps what is written to a sink. */
export class Collected {
  readonly chunks: Uint8Array[] = []
  readonly sink: ByteSink = chunk => { this.chunks.push(chunk.slice()) }

  get bytes (): Uint8Array<ArrayBuffer> {
    return new Uint8Array(Buffer.concat(this.chunks))
  }

  get text (): string {
    return Buffer.concat(this.chunks).toString()
  }
}
