import { ipOf } from '../../../src/wires/addresses.ts'

export interface SegmentEnds {
  readonly from: number
  readonly to: number
  /** Which of the addresses of `to`. Default the first. */
  readonly position?: number
  readonly sourcePort?: number
  readonly destinationPort?: number
  readonly sequence?: number
}

export const SYN = 2
export const ACK = 16

/** A TCP segment of `ipBytes` as a tunnel brings it: VXLAN's header and Ethernet's before it, flags and payload as they are given. */
export function segment ({ from, to, position = 0, sourcePort = 40_000, destinationPort = 4_001, sequence = 0 }: SegmentEnds, flags = ACK, ipBytes = 40, filling = 0): Uint8Array {
  const datagram = new Uint8Array(22 + ipBytes).fill(filling)
  const view = new DataView(datagram.buffer)
  view.setUint8(22, 0x45)
  view.setUint16(24, ipBytes)
  view.setUint8(31, 6)
  datagram.set(ipOf(from, 0).split('.').map(Number), 34)
  datagram.set(ipOf(to, position).split('.').map(Number), 38)
  view.setUint16(42, sourcePort)
  view.setUint16(44, destinationPort)
  view.setUint32(46, sequence)
  view.setUint8(54, 0x50)
  view.setUint8(55, flags)
  return datagram
}
