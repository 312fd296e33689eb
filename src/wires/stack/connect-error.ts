import { systemError } from '../../sim/tcp/socket-error.ts'
import type { SystemErrorCode } from '../../sim/tcp/socket-error.ts'
import type { SocketAddress } from './byte-network.ts'

/** Why a connection cannot be begun, told before a packet is sent; Node adds whereto: `connect EHOSTUNREACH 10.0.0.9:4001`. */
export function connectError (code: SystemErrorCode, { ip, port }: SocketAddress, hint = ''): Error {
  return Object.assign(systemError('connect', code, ` ${ip}:${port}${hint}`), { address: ip, port })
}
