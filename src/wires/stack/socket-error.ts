import type { TcpCloseReason } from '../../sim/tcp/socket.ts'
import type { SocketAddress } from './byte-network.ts'

type ErrorCode = 'EADDRNOTAVAIL' | 'ECONNREFUSED' | 'ECONNRESET' | 'EHOSTUNREACH' | 'ETIMEDOUT'

/** As Node's `net` reports it: with `code` and `syscall`. */
function systemError (syscall: 'connect' | 'read', code: ErrorCode, detail = ''): Error {
  return Object.assign(new Error(`${syscall} ${code}${detail}`), { code, syscall })
}

/** Why a connection has ended. */
export function socketError (reason: Exclude<TcpCloseReason, 'closed'>): Error {
  return reason === 'refused' ? systemError('connect', 'ECONNREFUSED') : systemError('read', reason === 'timeout' ? 'ETIMEDOUT' : 'ECONNRESET')
}

/** Why none can be begun, told before a packet is sent; Node adds whereto: `connect EHOSTUNREACH 10.0.0.9:4001`. */
export function connectError (code: ErrorCode, { ip, port }: SocketAddress, hint = ''): Error {
  return Object.assign(systemError('connect', code, ` ${ip}:${port}${hint}`), { address: ip, port })
}
