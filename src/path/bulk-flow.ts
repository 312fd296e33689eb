import { IGNORING } from '../sim/tcp/socket-handler.ts'
import type { TcpSocket } from '../sim/tcp/socket.ts'
import { PORT } from './path.ts'
import type { Path } from './path.ts'

/** Longer than all attempts to connect together: 1 s each for the first five, then doubling. */
export const SETUP_LIMIT_S = 300

/** More than a flow can send in any time that is simulated, and still a whole number when it is added to. */
export const ENDLESS_BYTES = 2 ** 50

/** A connection whose client has always more to send. */
export class BulkFlow {
  /** When connect returned; -1 before. */
  connectedNs = -1
  /** Bytes that the server got in order. */
  deliveredBytes = 0
  readonly #path: Path
  readonly #client: number
  #source: TcpSocket | undefined

  /** @param client the path's client of this index */
  constructor (path: Path, client: number) {
    this.#path = path
    this.#client = client
  }

  /** The client's end. */
  get source (): TcpSocket {
    if (this.#source === undefined) {
      throw new Error('the flow has not been started')
    }
    return this.#source
  }

  get started (): boolean {
    return this.#source !== undefined
  }

  start (onConnected: () => void = () => {}): void {
    const source = this.#path.connect(this.#client)
    this.#source = source
    source.handler = {
      ...IGNORING,
      onConnected: () => {
        this.connectedNs = this.#path.kernel.nowNs
        source.write(ENDLESS_BYTES)
        onConnected()
      }
    }
  }
}

/** Lets the server take connections, and counts what each brings for the flow that it belongs to. */
export function serve (path: Path, flows: readonly BulkFlow[]): void {
  path.serverHost.listen(PORT, socket => {
    const flow = flows.find(flow => flow.started && flow.source.connection === socket.connection)
    socket.handler = {
      ...IGNORING,
      onData: byteCount => {
        if (flow !== undefined) {
          flow.deliveredBytes += byteCount
        }
      }
    }
  })
}
