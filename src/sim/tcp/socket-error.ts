import type { TcpCloseReason } from './socket-handler.ts'

export type SystemErrorCode = 'EADDRNOTAVAIL' | 'ECONNREFUSED' | 'ECONNRESET' | 'EHOSTUNREACH' | 'ETIMEDOUT'

/** As Node's `net` reports it. */
export interface SystemError extends Error {
  readonly code: SystemErrorCode
  readonly syscall: 'connect' | 'read'
}

export function systemError (syscall: SystemError['syscall'], code: SystemErrorCode, detail = ''): SystemError {
  return Object.assign(new Error(`${syscall} ${code}${detail}`), { code, syscall })
}

/** Why a connection has ended. */
export function socketError (reason: Exclude<TcpCloseReason, 'closed'>): SystemError {
  return reason === 'refused' ? systemError('connect', 'ECONNREFUSED') : systemError('read', reason === 'timeout' ? 'ETIMEDOUT' : 'ECONNRESET')
}
