import { TwinwireError } from '../core/errors.ts'

/** The far side does not speak a protocol: in libp2p's words, or in the pool's. */
export function isUnsupportedProtocol (error: unknown): boolean {
  return error instanceof TwinwireError ? error.code === 'ERR_UNSUPPORTED_PROTOCOL' : error instanceof Error && error.name === 'UnsupportedProtocolError'
}
