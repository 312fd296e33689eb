import type { TcpCloseReason } from './socket-handler.ts'

export interface SocketError extends Error {
  readonly code: string
  readonly syscall: string
}

const ERRORS: Readonly<Record<Exclude<TcpCloseReason, 'closed'>, readonly [syscall: string, code: string]>> = {
  refused: ['connect', 'ECONNREFUSED'],
  timeout: ['read', 'ETIMEDOUT'],
  reset: ['read', 'ECONNRESET'],
  aborted: ['read', 'ECONNABORTED']
}

/** Why a connection ended, as Node's `net` says it. */
export function socketError (reason: Exclude<TcpCloseReason, 'closed'>): SocketError {
  const [syscall, code] = ERRORS[reason]
  return Object.assign(new Error(`${syscall} ${code}`), { code, syscall })
}
