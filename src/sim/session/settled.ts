import { abortReason } from './errors.ts'

/**
 * A promise for what some listener will tell, or the signal's reason if that comes first. `listen` is given `resolve` and
 * `reject` and answers how to stop listening, which happens as soon as it is settled, however it is.
 */
export async function settled<T> (signal: AbortSignal | undefined, listen: (resolve: (value: T) => void, reject: (error: Error) => void) => () => void): Promise<T> {
  const { promise, resolve, reject } = Promise.withResolvers<T>()
  if (signal?.aborted === true) {
    throw abortReason(signal)
  }
  const onAbort = (): void => {
    if (signal !== undefined) {
      reject(abortReason(signal))
    }
  }
  signal?.addEventListener('abort', onAbort, { once: true })
  const stop = listen(resolve, reject)
  try {
    return await promise
  } finally {
    signal?.removeEventListener('abort', onAbort)
    stop()
  }
}
