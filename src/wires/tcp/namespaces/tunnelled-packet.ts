import { TUNNEL_HEADER_BYTES } from './layout.ts'

// What is read and written of a TCP segment (RFC 9293 section 3.1) in an IPv4 packet (RFC 791 section 3.1) in a VXLAN datagram (RFC
// 7348 section 5).

/** The last byte of the Ethernet sender's address. */
const SENDER_END = 8 + 6 + 5
const IP = TUNNEL_HEADER_BYTES
const MINIMUM_IP_BYTES = 20
const MINIMUM_TCP_BYTES = 20
const PROTOCOL_TCP = 6
const SYN = 2
const ACK = 16

/** False for what hosts of a scenario do not say to each other (ARP, IPv6, ICMP), and for what is no whole segment. */
export function isTcp (datagram: Uint8Array): boolean {
  return datagram.byteLength >= IP + MINIMUM_IP_BYTES && datagram[IP] >> 4 === 4 && word(datagram, IP + 2) === datagram.byteLength - IP &&
    datagram[IP + 9] === PROTOCOL_TCP && datagram.byteLength >= tcpAt(datagram) + MINIMUM_TCP_BYTES
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

export function sourcePortOf (datagram: Uint8Array): number {
  return word(datagram, tcpAt(datagram))
}

export function destinationPortOf (datagram: Uint8Array): number {
  return word(datagram, tcpAt(datagram) + 2)
}

export function sequenceOf (datagram: Uint8Array): number {
  const at = tcpAt(datagram) + 4
  return word(datagram, at) * 2 ** 16 + word(datagram, at + 2)
}

/** A SYN that is no answer to one. */
export function opensConnection (datagram: Uint8Array): boolean {
  return (datagram[tcpAt(datagram) + 13] & (SYN | ACK)) === SYN
}

/** A host takes its own address as sender for a loop, and all hosts have the same. */
export function giveOtherSender (datagram: Uint8Array): void {
  datagram[SENDER_END] = 1
}

/** Behind the IP header, whose length it says in words of four bytes. */
function tcpAt (datagram: Uint8Array): number {
  return IP + (datagram[IP] & 15) * 4
}

function word (bytes: Uint8Array, at: number): number {
  return bytes[at] << 8 | bytes[at + 1]
}
