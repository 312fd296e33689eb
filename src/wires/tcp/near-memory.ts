/** What a `NearTimer` shares with its thread: a count that each change raises, and the deadline. */
export function nearMemory (): SharedArrayBuffer {
  const memory = new SharedArrayBuffer(16)
  deadlineOf(memory)[0] = Infinity
  return memory
}

export function generationOf (memory: SharedArrayBuffer): Int32Array {
  return new Int32Array(memory, 0, 1)
}

/** On the monotonic clock, ms; `Infinity` for none. Read before the count has changed it may be half of another one: it is read again then. */
export function deadlineOf (memory: SharedArrayBuffer): Float64Array {
  return new Float64Array(memory, 8, 1)
}
