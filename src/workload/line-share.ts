/** IPv4, TCP and its timestamps, of each packet. */
const TCP_IP_BYTES = 52
/** yamux's header, Noise's length and its tag, of each piece that goes at a time. */
const FRAME_BYTES = 12 + 2 + 16
/** What the bandwidth manager lets go at a time on lines below 23 Mbit/s: two segments. */
const PIECE_BYTES = 2 * 1_460
/**
 * js-libp2p hands a piece to the socket as four writes: length, header, piece, tag. With Nagle's algorithm off each is a
 * segment where nothing waits before it (docs/decisions/0019), and the piece takes three of 1,448 bytes or less.
 */
const SEGMENTS = 3 + 3
/** The far side's yamux answers a piece with a window update, two segments that are acknowledged at once on the same uplink. */
const ACKNOWLEDGEMENTS = 1
/** What the line carries of bulk's payload where nothing else goes: 2,920 of 3,314 bytes, 88.1%. */
const BULK_SHARE = PIECE_BYTES / (PIECE_BYTES + FRAME_BYTES + (SEGMENTS + ACKNOWLEDGEMENTS) * TCP_IP_BYTES)

/**
 * A request of 100 B on a stream of its own, the stream's opening and end included, takes 1.25 kB of the uplink, of which
 * the manager counts the 100 B: at 50 a second 5% of 10 Mbit/s. The rest is for a queue that has formed to drain.
 */
const BESIDE_BULK = 0.05 + 0.03

/**
 * What the bandwidth manager is to be told of a line, as a share of its rate: it counts payload, and the line carries
 * headers, acknowledgements and streams that open as well: 81%. Told too little a shaper wastes that, told too much it has
 * the queue in the router; `bulk-and-requests` sweeps it, and the knee lies between 83% and 85%. Lines above 23 Mbit/s carry
 * larger pieces and bear more.
 */
export const LINE_PAYLOAD_SHARE = BULK_SHARE * (1 - BESIDE_BULK)
