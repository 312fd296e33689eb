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
const PACKETS = 3 + 3

/**
 * What the bandwidth manager is to be told of a line, as a share of its rate: it counts payload, and the line carries
 * headers as well. 2,920 of 3,262 bytes, 89.5%. Faster lines carry larger pieces and would bear a little more (95% at
 * 100 Mbit/s), as does what is joined into full segments (96%): told too little a shaper wastes that, told too much it has
 * the queue in the router.
 */
export const LINE_PAYLOAD_SHARE = PIECE_BYTES / (PIECE_BYTES + FRAME_BYTES + PACKETS * TCP_IP_BYTES)
