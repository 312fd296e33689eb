import { TwinwireError } from '../core/errors.ts'
import type { Bytes, CloseEvent, NetworkNode, Stream } from '../optim/port.ts'

/**
 * libp2p's perf protocol (libp2p/specs, perf/perf.md): the client says in eight bytes, big-endian, how many bytes it wants
 * back, sends its own and closes for writing; only then the server sends what was asked for, and closes.
 */
export const PERF_PROTOCOL = '/perf/1.0.0'

/** More than any transfer carries within its time: what the published runs ask for (Number.MAX_SAFE_INTEGER). */
export const WITHOUT_END_BYTES = Number.MAX_SAFE_INTEGER

const HEADER_BYTES = 8
/** As js-libp2p's implementation writes (protocol-perf, WRITE_BLOCK_SIZE): zeros, which nothing on the way of a stream compresses. */
const BLOCK = new Uint8Array(64 * 1024)

export interface PerfTransfer {
  readonly uploadBytes: number
  readonly downloadBytes: number
  /** Told of bytes that the stream has taken or brought; false ends that direction, before its time. */
  readonly onBytes?: (byteCount: number) => boolean
  readonly signal: AbortSignal
}

/** Answers on every stream of the protocol until the node stops. A stream that asks for nothing is reset. */
export async function servePerf (node: NetworkNode): Promise<void> {
  await node.handle(PERF_PROTOCOL, async stream => {
    const downloadBytes = await request(stream)
    await writeBlocks(stream, downloadBytes)
    await stream.close()
  })
}

/**
 * One transfer on a stream of the protocol; a download that `onBytes` ends resets the stream, for the protocol knows no
 * other way.
 *
 * @throws what ended the stream, the signal's reason, or ERR_STREAM_CLOSED where fewer bytes came than were asked for
 */
export async function perfTransfer (stream: Stream, { uploadBytes, downloadBytes, onBytes = () => true, signal }: PerfTransfer): Promise<void> {
  let missingBytes = downloadBytes
  const abort = (): void => stream.abort(signal.reason as Error)
  signal.throwIfAborted()
  signal.addEventListener('abort', abort, { once: true })
  try {
    const answer = read(stream, ({ byteLength }) => {
      missingBytes -= byteLength
      if (!onBytes(byteLength)) {
        missingBytes = 0
        stream.abort(new TwinwireError('ERR_STOPPED', 'the transfer has taken long enough'))
      }
    })
    // It is awaited below; until then its failure must not count as unhandled.
    answer.catch(() => {})
    stream.send(header(downloadBytes))
    await writeBlocks(stream, uploadBytes, onBytes)
    await stream.close()
    await answer.catch((error: unknown) => {
      if (missingBytes !== 0) {
        throw error
      }
    })
  } finally {
    signal.removeEventListener('abort', abort)
  }
  if (missingBytes !== 0) {
    throw new TwinwireError('ERR_STREAM_CLOSED', 'the transfer was not whole', { expected: `${downloadBytes} bytes`, found: `${downloadBytes - missingBytes}` })
  }
}

function header (downloadBytes: number): Uint8Array {
  const bytes = new Uint8Array(HEADER_BYTES)
  new DataView(bytes.buffer).setBigUint64(0, BigInt(downloadBytes))
  return bytes
}

/** How many bytes the client wants, known when it has sent all of its own. */
async function request (stream: Stream): Promise<number> {
  const bytes = new Uint8Array(HEADER_BYTES)
  let count = 0
  await read(stream, data => {
    if (count < HEADER_BYTES) {
      const part = data.subarray(0, HEADER_BYTES - count)
      bytes.set(part, count)
      count += part.byteLength
    }
  })
  if (count < HEADER_BYTES) {
    throw new TwinwireError('ERR_FRAME_INVALID', 'not a request', { expected: `${HEADER_BYTES} bytes`, found: String(count) })
  }
  return Number(new DataView(bytes.buffer).getBigUint64(0))
}

/** Writes so many bytes, and waits wherever the stream asks for a pause. Ends early where `onBytes` says so. */
async function writeBlocks (stream: Stream, byteCount: number, onBytes: (byteCount: number) => boolean = () => true): Promise<void> {
  for (let leftBytes = byteCount; leftBytes > 0;) {
    const blockBytes = Math.min(leftBytes, BLOCK.byteLength)
    if (!stream.send(BLOCK.subarray(0, blockBytes))) {
      await drained(stream)
    }
    leftBytes = onBytes(blockBytes) ? leftBytes - blockBytes : 0
  }
}

async function drained (stream: Stream): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const end = (): void => {
      stream.removeEventListener('drain', onDrain)
      stream.removeEventListener('close', onClose)
    }
    const onDrain = (): void => {
      end()
      resolve()
    }
    const onClose = ({ error }: CloseEvent): void => {
      end()
      reject(error ?? new TwinwireError('ERR_STREAM_CLOSED', 'the stream was closed while there was more to send'))
    }
    stream.addEventListener('drain', onDrain)
    stream.addEventListener('close', onClose)
  })
}

/** Hands over all that comes until the remote end has sent all it has; rejects where something else ended the stream. */
async function read (stream: Stream, onData: (data: Bytes) => void): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const onMessage = ({ data }: { readonly data: Bytes }): void => onData(data)
    const end = (): void => {
      stream.removeEventListener('message', onMessage)
      stream.removeEventListener('remoteCloseWrite', onEnd)
      stream.removeEventListener('close', onClose)
    }
    const onEnd = (): void => {
      end()
      resolve()
    }
    const onClose = ({ error }: CloseEvent): void => {
      end()
      if (error === undefined) {
        resolve()
      } else {
        reject(error)
      }
    }
    stream.addEventListener('remoteCloseWrite', onEnd)
    stream.addEventListener('close', onClose)
    // Last, for a stream hands over what it has kept as soon as somebody listens.
    stream.addEventListener('message', onMessage)
  })
}
