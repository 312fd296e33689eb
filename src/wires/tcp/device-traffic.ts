import { readFileSync } from 'node:fs'
import type { TrafficCount } from '../wire.ts'

/**
 * What stands before an IP packet that crosses a host's cable in a tunnel: Ethernet's header, IP's, UDP's, VXLAN's (RFC 7348
 * section 5), and the Ethernet header of the packet's own.
 */
const HEADER_BYTES = 14 + 20 + 8 + 8 + 14

/** Counts what passes the devices of this process's network namespace, as the kernel does. */
export class DeviceTraffic {
  readonly #devices: ReadonlySet<string>
  #begin: TrafficCount | undefined

  /** @param devices by their names; each packet is to pass one of them. Each is a cable behind which TCP's segments are cut: before, a count would miss the headers of all but the first */
  constructor (devices: readonly string[]) {
    this.#devices = new Set(devices)
  }

  /** Since it was first asked. */
  get count (): TrafficCount {
    const now = countOf(readFileSync('/proc/net/dev', 'utf8'), this.#devices)
    const begin = this.#begin ??= now
    return {
      sentPackets: now.sentPackets - begin.sentPackets,
      sentBytes: now.sentBytes - begin.sentBytes,
      receivedPackets: now.receivedPackets - begin.receivedPackets,
      receivedBytes: now.receivedBytes - begin.receivedBytes
    }
  }
}

/** Sums `/proc/net/dev` (proc_net_dev(5)): of each device eight numbers received, bytes and packets first, and as many sent. */
export function countOf (table: string, devices: ReadonlySet<string>): TrafficCount {
  const count = { sentPackets: 0, sentBytes: 0, receivedPackets: 0, receivedBytes: 0 }
  for (const line of table.split('\n')) {
    const [device, fields = ''] = line.split(':')
    if (devices.has(device.trim())) {
      const [receivedBytes, receivedPackets, , , , , , , sentBytes, sentPackets] = fields.trim().split(/\s+/).map(Number)
      count.sentPackets += sentPackets
      count.sentBytes += sentBytes - sentPackets * HEADER_BYTES
      count.receivedPackets += receivedPackets
      count.receivedBytes += receivedBytes - receivedPackets * HEADER_BYTES
    }
  }
  return count
}
