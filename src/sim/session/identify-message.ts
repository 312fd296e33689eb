import { SimMultiaddr } from './identity.ts'

export const IDENTIFY_PROTOCOL = '/ipfs/id/1.0.0'

// What only its length matters of: a multihash of an Ed25519 key, the key in its protobuf, a signature.
const PEER_ID_BYTES = 38
const PUBLIC_KEY_BYTES = 36
const SIGNATURE_BYTES = 64
/** The type of a peer record's payload, 0x0301. */
const PAYLOAD_TYPE_BYTES = 2
/** The record's sequence number is a time in milliseconds since 1970: 41 bits, 7 a byte. */
const SEQUENCE_BYTES = 6

const PROTOCOL_VERSION = 'ipfs/0.1.0'
/** As the nodes of the other wires call themselves. */
const AGENT_VERSION = 'twinwire'

// Multiaddr's codes: one byte each, but p2p's 421 takes two and its value a length before it.
const IP4 = 4
const TCP = 6
const P2P_BYTES = 2 + 1 + PEER_ID_BYTES

/** Fields of the Identify protobuf (libp2p specs, identify), all of wire type 2. */
const FIELDS = { publicKey: 1, listenAddrs: 2, protocols: 3, observedAddr: 4, protocolVersion: 5, agentVersion: 6, signedPeerRecord: 8 } as const

export interface Identification {
  readonly addresses: readonly SimMultiaddr[]
  readonly protocols: readonly string[]
  /** Of the peer that asks, as seen from here. */
  readonly observed: SimMultiaddr
}

/**
 * The message with which js-libp2p 3.3's identify service answers, with its length before it. What only cryptography
 * could read is zeros of the right length.
 */
export function encodeIdentification ({ addresses, protocols, observed }: Identification): Uint8Array {
  const listen = addresses.map(addressBytes)
  const record = [
    ...field(1, new Uint8Array(PEER_ID_BYTES)),
    2 << 3, ...new Uint8Array(SEQUENCE_BYTES),
    ...listen.flatMap(address => field(3, field(1, address)))
  ]
  const envelope = [
    ...field(1, new Uint8Array(PUBLIC_KEY_BYTES)), ...field(2, new Uint8Array(PAYLOAD_TYPE_BYTES)), ...field(3, record), ...field(5, new Uint8Array(SIGNATURE_BYTES))
  ]
  const message = [
    ...field(FIELDS.publicKey, new Uint8Array(PUBLIC_KEY_BYTES)),
    ...listen.flatMap(address => field(FIELDS.listenAddrs, address)),
    ...protocols.flatMap(protocol => field(FIELDS.protocols, textBytes(protocol))),
    ...field(FIELDS.observedAddr, [...addressBytes(observed), ...new Uint8Array(P2P_BYTES)]),
    ...field(FIELDS.protocolVersion, textBytes(PROTOCOL_VERSION)),
    ...field(FIELDS.agentVersion, textBytes(AGENT_VERSION)),
    ...listen.length === 0 ? [] : field(FIELDS.signedPeerRecord, envelope)
  ]
  return Uint8Array.from([...varint(message.length), ...message])
}

/** The addresses that a message tells of. */
export function decodeAddresses (bytes: Uint8Array): SimMultiaddr[] {
  const addresses: SimMultiaddr[] = []
  let [, offset] = readVarint(bytes, 0)
  while (offset < bytes.length) {
    const number = bytes[offset] >> 3
    const [length, start] = readVarint(bytes, offset + 1)
    offset = start + length
    if (number === FIELDS.listenAddrs) {
      const [, a, b, c, d, , high, low] = bytes.subarray(start, offset)
      addresses.push(new SimMultiaddr(`/ip4/${a}.${b}.${c}.${d}/tcp/${high << 8 | low}`))
    }
  }
  return addresses
}

function field (number: number, content: ArrayLike<number>): number[] {
  return [number << 3 | 2, ...varint(content.length), ...Array.from(content)]
}

function varint (value: number): number[] {
  return value < 128 ? [value] : [value & 127 | 128, ...varint(value >> 7)]
}

/** The value, and where what follows begins. */
function readVarint (bytes: Uint8Array, offset: number): [value: number, next: number] {
  const byte = bytes[offset]
  if (byte < 128) {
    return [byte, offset + 1]
  }
  const [rest, next] = readVarint(bytes, offset + 1)
  return [byte & 127 | rest << 7, next]
}

function addressBytes ({ endpoint }: SimMultiaddr): number[] {
  const [, , ip, , port] = endpoint.split('/')
  return [IP4, ...ip.split('.').map(Number), TCP, Number(port) >> 8, Number(port) & 255]
}

function textBytes (text: string): number[] {
  return Array.from(text, character => character.charCodeAt(0))
}
