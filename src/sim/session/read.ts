import { ByteQueue } from './byte-queue.ts'
import { SessionError } from './errors.ts'
import type { CloseDetails } from './message-stream.ts'
import { settled } from './settled.ts'
import type { SimStream } from './stream.ts'

/**
 * Everything until the remote end has closed for writing.
 *
 * @throws what ended the stream before, StreamResetError where nothing did, or the signal's reason
 */
export async function readToEnd (stream: SimStream, signal: AbortSignal): Promise<Uint8Array> {
  const bytes = new ByteQueue()
  await settled<void>(signal, (resolve, reject) => {
    const onMessage = ({ data }: { readonly data: Uint8Array }): void => {
      bytes.append(data)
      onEnd()
    }
    const onEnd = (): void => {
      if (stream.endOfFile) {
        resolve()
      }
    }
    const onClose = ({ error }: CloseDetails): void => {
      if (bytes.byteLength > 0 && error === undefined) {
        resolve()
      } else {
        reject(error ?? new SessionError('StreamResetError', 'the stream closed'))
      }
    }
    stream.addEventListener('message', onMessage)
    stream.addEventListener('remoteCloseWrite', onEnd)
    stream.addEventListener('close', onClose)
    return () => {
      stream.removeEventListener('message', onMessage)
      stream.removeEventListener('remoteCloseWrite', onEnd)
      stream.removeEventListener('close', onClose)
    }
  })
  return bytes.take(bytes.byteLength)
}
