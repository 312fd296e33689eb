/** Bytes on their way, in the order sent. */
export class ByteQueue {
  #chunks: Uint8Array[] = []
  /** Of the first chunk, what has been taken already. */
  #taken = 0

  push (chunk: Uint8Array): void {
    if (chunk.byteLength > 0) {
      this.#chunks.push(chunk)
    }
  }

  /** The next `byteCount` bytes, which must be there, in the pieces in which they were pushed. */
  take (byteCount: number): Uint8Array[] {
    const taken: Uint8Array[] = []
    let count = 0
    for (let missing = byteCount; missing > 0;) {
      const chunk = this.#chunks[count]
      const end = Math.min(chunk.byteLength, this.#taken + missing)
      taken.push(chunk.subarray(this.#taken, end))
      missing -= end - this.#taken
      this.#taken = end
      if (end === chunk.byteLength) {
        count++
        this.#taken = 0
      }
    }
    this.#chunks.splice(0, count)
    return taken
  }
}
