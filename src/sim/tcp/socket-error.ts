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

const CODES = { refused: 'ECONNREFUSED', timeout: 'ETIMEDOUT', reset: 'ECONNRESET', aborted: 'ECONNRESET' } as const

/** Why a connection has ended, or `connect` has failed. */
export function socketError (reason: Exclude<TcpCloseReason, 'closed'>, syscall: SystemError['syscall']): SystemError {
  return systemError(syscall, CODES[reason])
}
