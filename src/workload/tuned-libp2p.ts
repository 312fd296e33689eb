/**
 * Three options of libp2p that who cares sets: 2 s instead of 6 for an address, and of the connection monitor instead of 10
 * between pings and of 5 for one at the least. That leaves room for a lost SYN, which TCP sends again after 1 s, and for the
 * handshake at 300 ms of round trip. For `hosts[].libp2p` of a scenario.
 */
export const TUNED_LIBP2P = { addressDialTimeoutMs: 2_000, pingIntervalMs: 2_000, pingTimeoutMs: 2_000 } as const
