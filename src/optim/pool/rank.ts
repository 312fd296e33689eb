import type { Multiaddr } from '../port.ts'

/** When to start dialling an address, counted from the start of the race. */
export interface RankedAddress {
  readonly address: Multiaddr
  readonly delayMs: number
}

/** Orders and spaces the addresses of one peer; an address that it leaves out is not dialled. Must be pure. */
export type AddressRanker = (addresses: readonly Multiaddr[]) => readonly RankedAddress[]

/** RFC 8305, section 5: the recommended delay between connection attempts. */
const PUBLIC_DELAY_MS = 250
/** go-libp2p: round trips in a private network are short, and so is the wait for them. */
const PRIVATE_DELAY_MS = 30
/** go-libp2p: a relay is worth it only where nothing direct answers soon. */
const RELAY_DELAY_MS = 500

/**
 * The default ranking, that of go-libp2p's dial ranker with RFC 8305's interleaving of address families: private and
 * public addresses each from 0, 30 ms and 250 ms apart, relayed ones last, 500 ms later where there is a direct one.
 * Within a group TCP before its heavier alternatives, IPv6 and IPv4 in turn, and otherwise as given.
 */
export function rankAddresses (addresses: readonly Multiaddr[]): RankedAddress[] {
  const groups: Record<'private' | 'public' | 'relay', Multiaddr[]> = { private: [], public: [], relay: [] }
  for (const address of addresses) {
    groups[addressKind(address).reach].push(address)
  }
  const relayFromMs = groups.private.length + groups.public.length > 0 ? RELAY_DELAY_MS : 0
  const ranked = [
    ...spaced(groups.private, 0, PRIVATE_DELAY_MS),
    ...spaced(groups.public, 0, PUBLIC_DELAY_MS),
    ...spaced(groups.relay, relayFromMs, PUBLIC_DELAY_MS)
  ]
  return ranked.sort((a, b) => a.delayMs - b.delayMs)
}

/** What addresses have in common that tend to work or fail together. */
export interface AddressKind {
  readonly reach: 'private' | 'public' | 'relay'
  readonly family: 'ip4' | 'ip6' | 'dns' | 'other'
  readonly transport: 'tcp' | 'quic' | 'ws' | 'webtransport' | 'webrtc' | 'other'
}

/** The kind of an address, read off its text. */
export function addressKind (address: Multiaddr): AddressKind {
  const parts = address.toString().split('/')
  const [, first = '', host = ''] = parts
  const family = first === 'ip4' || first === 'ip6' ? first : first.startsWith('dns') ? 'dns' : 'other'
  const isPrivate = (family === 'ip4' && PRIVATE_IP4.test(host)) || (family === 'ip6' && PRIVATE_IP6.test(host)) || host === 'localhost'
  return {
    reach: parts.includes('p2p-circuit') ? 'relay' : isPrivate ? 'private' : 'public',
    family,
    transport: TRANSPORTS.find(([name]) => parts.includes(name))?.[1] ?? 'other'
  }
}

/** Most specific first: a WebSocket address holds `tcp` as well. */
const TRANSPORTS: ReadonlyArray<readonly [string, AddressKind['transport']]> = [
  ['webrtc', 'webrtc'], ['webrtc-direct', 'webrtc'], ['webtransport', 'webtransport'],
  ['ws', 'ws'], ['wss', 'ws'], ['quic-v1', 'quic'], ['quic', 'quic'], ['tcp', 'tcp']
]

/** Cheapest and most dependable first, as libp2p's own sorter has it. */
const PREFERENCE: readonly AddressKind['transport'][] = ['tcp', 'quic', 'ws', 'webtransport', 'webrtc', 'other']

/** RFC 1918, RFC 6598 (shared), RFC 3927 (link-local), loopback. */
const PRIVATE_IP4 = /^(?:10\.|127\.|192\.168\.|172\.(?:1[6-9]|2\d|3[01])\.|169\.254\.|100\.(?:6[4-9]|[7-9]\d|1[01]\d|12[0-7])\.)/
/** Loopback, RFC 4193 (unique local), RFC 4291 (link-local). */
const PRIVATE_IP6 = /^(?:::1$|f[cd][0-9a-f]{2}:|fe[89ab][0-9a-f]:)/i

function spaced (addresses: readonly Multiaddr[], fromMs: number, apartMs: number): RankedAddress[] {
  const preferred = addresses
    .map(address => ({ address, kind: addressKind(address) }))
    .sort((a, b) => PREFERENCE.indexOf(a.kind.transport) - PREFERENCE.indexOf(b.kind.transport))
  return interleaved(preferred).map(({ address }, i) => ({ address, delayMs: fromMs + i * apartMs }))
}

/** RFC 8305, section 4: families in turn, beginning with IPv6, so that one broken family costs one delay and not many. */
function interleaved<T extends { readonly kind: AddressKind }> (items: readonly T[]): T[] {
  const ip6 = items.filter(item => item.kind.family === 'ip6')
  const rest = items.filter(item => item.kind.family !== 'ip6')
  return Array.from({ length: Math.max(ip6.length, rest.length) }, (_, i) => [...ip6.slice(i, i + 1), ...rest.slice(i, i + 1)]).flat()
}
