import type { NodeId } from '../link.ts'

/** What a reader of a trace is to call a network's nodes. */
export interface NodeLabels {
  name(node: NodeId): string
  /** IPv4, its first byte the highest. */
  address(node: NodeId): number
}

/** 10.0.0.0/8. */
const PRIVATE_NETWORK = 0x0a00_0000

/** `node0` at 10.0.0.1 and so on: what holds where nobody has given names. */
export const NUMBERED: NodeLabels = {
  name: node => `node${node}`,
  address: node => PRIVATE_NETWORK + node + 1
}

/** `10.0.0.1` */
export function dotted (address: number): string {
  return [address >>> 24, address >>> 16 & 255, address >>> 8 & 255, address & 255].join('.')
}
