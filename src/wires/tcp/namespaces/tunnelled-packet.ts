import { TUNNEL_HEADER_BYTES } from './layout.ts'

// What is read and written of an IPv4 packet (RFC 791 section 3.1) in a VXLAN datagram (RFC 7348 section 5).

/** The last byte of the Ethernet sender's address. */
const SENDER_END = 8 + 6 + 5
const IP = TUNNEL_HEADER_BYTES
const MINIMUM_IP_BYTES = 20
const MINIMUM_TCP_BYTES = 20
const PROTOCOL_TCP = 6
const SYN = 2
const ACK = 16

/** False for what no scenario has (ARP, IPv6) and for what is no whole packet. */
export function isIpv4 (datagram: Uint8Array): boolean {
  return datagram.byteLength >= IP + MINIMUM_IP_BYTES && datagram[IP] >> 4 === 4 && word(datagram, IP + 2) === datagram.byteLength - IP
}

/** Its length in IP bytes. */
export function ipBytesOf (datagram: Uint8Array): number {
  return datagram.byteLength - IP
}

/** The index of the host that has the sender's address: `10.0.3.1` is the fourth's. */
export function sourceHostOf (datagram: Uint8Array): number {
  return word(datagram, IP + 13)
}

/** The index of the host, and which of its addresses it is. */
export function destinationOf (datagram: Uint8Array): { readonly host: number, readonly position: number } {
  return { host: word(datagram, IP + 17), position: datagram[IP + 19] - 1 }
}

/** Undefined where it is none, or not the first part of one. */
export function tcpOf (datagram: Uint8Array): { readonly sourcePort: number, readonly destinationPort: number, readonly opens: boolean } | undefined {
  const begin = IP + (datagram[IP] & 15) * 4
  if (datagram[IP + 9] !== PROTOCOL_TCP || datagram.byteLength < begin + MINIMUM_TCP_BYTES) {
    return undefined
  }
  return { sourcePort: word(datagram, begin), destinationPort: word(datagram, begin + 2), opens: (datagram[begin + 13] & (SYN | ACK)) === SYN }
}

/** A host takes its own address as sender for a loop, and all hosts have the same. */
export function giveOtherSender (datagram: Uint8Array): void {
  datagram[SENDER_END] = 1
}

function word (bytes: Uint8Array, at: number): number {
  return bytes[at] << 8 | bytes[at + 1]
}
