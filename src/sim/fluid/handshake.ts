import type { RandomStream } from '../../core/random.ts'
import type { TcpOptions } from '../tcp/options.ts'

/** How attempts to connect went: the timeouts waited for, and whether the last attempt was answered. */
export interface Handshake {
  readonly waitedNs: number
  readonly answered: boolean
}

/** Draws for each attempt whether SYN or SYN-ACK was lost; timeouts double after the first ones, as the packet level's do. */
export function drawHandshake (loss: number, { initialRtoNs, maximumRtoNs, linearSynTimeouts, maximumSyns }: Readonly<TcpOptions>, random: RandomStream): Handshake {
  let waitedNs = 0
  for (let syns = 1; random.next() < loss; syns++) {
    waitedNs += Math.min(maximumRtoNs, initialRtoNs * 2 ** Math.max(0, syns - 1 - linearSynTimeouts))
    if (syns === maximumSyns) {
      return { waitedNs, answered: false }
    }
  }
  return { waitedNs, answered: true }
}
