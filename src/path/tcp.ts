import { TCP_PRESETS, tcpOptions } from '../sim/tcp/options.ts'
import type { TcpOptions } from '../sim/tcp/options.ts'
import type { PathOptions } from './options.ts'

/** Payload of a full segment: 1500 B of IP packet without IPv4, TCP and timestamps (20 + 20 + 12 B). */
export const MSS_BYTES = 1448

/** Linux's limit of autotuning, as the measurements had it. */
const RECEIVE_BUFFER_BYTES = 32 * 1024 * 1024

/** A congestion controller that the simulator has. */
export type CongestionName = TcpOptions['congestion']

/** @throws ERR_INVALID_OPTION that names those there are */
export function congestionName (text: string): CongestionName {
  return tcpOptions({ congestion: text as CongestionName }).congestion
}

/** TCP as the kernel of the measurements was set up. */
export function tcpFor (congestion: CongestionName, gso: PathOptions['gso']): Partial<TcpOptions> {
  return {
    ...TCP_PRESETS.linux,
    congestion,
    bursts: gso === 1 ? 'single' : 'autosized',
    mssBytes: MSS_BYTES,
    receiveBufferBytes: RECEIVE_BUFFER_BYTES
  }
}
