import { TwinwireError } from '../core/errors.ts'
import type { TcpOptions } from '../sim/tcp/options.ts'
import type { CongestionName, PathOptions } from './options.ts'

/** Payload of a full segment: 1500 B of IP packet without IPv4, TCP and timestamps (20 + 20 + 12 B). */
export const MSS_BYTES = 1448

/** Linux's limit of autotuning, as the measurements had it. */
const RECEIVE_BUFFER_BYTES = 32 * 1024 * 1024

/** The first SYN and tcp_syn_retries. */
const SYNS = 7

/**
 * TCP as the kernel of the measurements was set up.
 *
 * @throws ERR_INVALID_OPTION for a controller that there is not
 */
export function tcpFor (congestion: CongestionName, _gso: PathOptions['gso']): Partial<TcpOptions> {
  if (congestion !== 'reno') {
    throw new TwinwireError('ERR_INVALID_OPTION', 'no such congestion controller', { path: 'congestion', expected: 'reno', found: congestion })
  }
  return { mssBytes: MSS_BYTES, receiveBufferBytes: RECEIVE_BUFFER_BYTES, maximumSyns: SYNS }
}
