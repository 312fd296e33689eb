import type { PacketNetwork } from '../sim/network.ts'
import type { Observation } from '../sim/observe/observer.ts'
import type { PacketId } from '../sim/packets.ts'

/** Counts what all hosts of a network send, from its making on: every packet once, acknowledgements and retransmissions too. */
export class TrafficMeter {
  /** IP bytes: headers included. */
  sentBytes = 0
  sentPackets = 0
  /** In a link or at its entrance, for whatever reason. */
  droppedPackets = 0
  readonly #observation: Observation

  constructor (network: PacketNetwork) {
    const { packets } = network
    this.#observation = network.observers.add({
      onSend: (packet: PacketId) => {
        this.sentBytes += packets.size[packet]
        this.sentPackets++
      },
      onDrop: () => { this.droppedPackets++ }
    })
  }

  /** Counts no more. */
  stop (): void {
    this.#observation.stop()
  }
}
