/** The names that libp2p gives its errors, so that code which tells them apart does the same on every wire. */
export type SessionErrorName =
  | 'AbortError'
  | 'ConnectionClosedError'
  | 'ConnectionDeniedError'
  | 'DialError'
  | 'DuplicateProtocolHandlerError'
  | 'EncryptionFailedError'
  | 'InvalidMultiaddrError'
  | 'InvalidPeerIdError'
  | 'MaxEarlyStreamsError'
  | 'MuxerClosedError'
  | 'NoValidAddressesError'
  | 'NotFoundError'
  | 'ReceiveWindowExceededError'
  | 'StreamBufferError'
  | 'StreamResetError'
  | 'StreamStateError'
  | 'TimeoutError'
  | 'TooManyInboundProtocolStreamsError'
  | 'TooManyOutboundProtocolStreamsError'
  | 'UnexpectedEOFError'
  | 'UnsupportedProtocolError'

/** An error as a libp2p node would report it. */
export class SessionError extends Error {
  constructor (name: SessionErrorName, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.name = name
  }
}

/** What libp2p's own time-outs abort with. */
export function timeoutError (): SessionError {
  return new SessionError('TimeoutError', 'The operation was aborted due to timeout')
}

/** What `signal` was aborted with, as an error. */
export function abortReason (signal: AbortSignal): Error {
  return signal.reason instanceof Error ? signal.reason : new SessionError('AbortError', String(signal.reason))
}
