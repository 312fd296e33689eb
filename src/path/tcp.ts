import { TCP_PRESETS, tcpOptions } from '../sim/tcp/options.ts'
import type { TcpOptions } from '../sim/tcp/options.ts'
import { HEADER_BYTES } from '../sim/tcp/segment.ts'
import type { PathOptions } from './options.ts'

/** Linux's limits of autotuning, both of them, as the measurements had them. */
const BUFFER_BYTES = 32 * 1024 * 1024

/** A congestion controller that the simulator has. */
export type CongestionName = TcpOptions['congestion']

/** @throws ERR_INVALID_OPTION that names those there are */
export function congestionName (text: string): CongestionName {
  return tcpOptions({ congestion: text as CongestionName }).congestion
}

/** Payload of a full segment: of 1500 B of IP packet 1448. */
export function segmentBytes ({ mtuBytes }: Pick<PathOptions, 'mtuBytes'>): number {
  return mtuBytes - HEADER_BYTES
}

/** TCP as the kernel of the measurements was set up, or with the preset of the RFCs. */
export function tcpFor (congestion: CongestionName, options: Pick<PathOptions, 'gso' | 'tcp' | 'mtuBytes'>): Partial<TcpOptions> {
  const { gso, tcp: { preset, ecn, hystart, pacing } } = options
  return {
    ...TCP_PRESETS[preset],
    ...(ecn === undefined ? {} : { ecn }),
    ...(hystart === undefined ? {} : { hystart }),
    ...(pacing === undefined ? {} : { pacing }),
    ...(gso === 1 ? { bursts: 'single' } : {}),
    congestion,
    mssBytes: segmentBytes(options),
    receiveBufferBytes: BUFFER_BYTES,
    sendBufferBytes: BUFFER_BYTES
  }
}
