const EMPTY = new Uint8Array(0)

/** Bytes in the order given, in the pieces given. */
export class ByteQueue {
  #pieces: Uint8Array[] = []
  #head = 0
  #byteLength = 0

  get byteLength (): number {
    return this.#byteLength
  }

  /** The first byte. */
  get first (): number | undefined {
    return this.#byteLength === 0 ? undefined : this.#pieces[this.#head][0]
  }

  /** In their order. */
  get pieces (): readonly Uint8Array[] {
    return this.#pieces.slice(this.#head)
  }

  append (bytes: Uint8Array): void {
    if (bytes.byteLength > 0) {
      this.#pieces.push(bytes)
      this.#byteLength += bytes.byteLength
    }
  }

  /** Puts bytes back before all others. */
  prepend (bytes: Uint8Array): void {
    if (bytes.byteLength === 0) {
      return
    }
    this.#byteLength += bytes.byteLength
    if (this.#head > 0) {
      this.#pieces[--this.#head] = bytes
    } else {
      this.#pieces.unshift(bytes)
    }
  }

  /** Removes the first `byteLength` bytes; a view where they lie in one piece, a copy where they do not. */
  take (byteLength: number): Uint8Array {
    if (byteLength === 0) {
      return EMPTY
    }
    const head = this.#pieces[this.#head]
    if (head.byteLength > byteLength) {
      this.#pieces[this.#head] = head.subarray(byteLength)
      this.#byteLength -= byteLength
      return head.subarray(0, byteLength)
    }
    if (head.byteLength === byteLength) {
      this.#drop()
      return head
    }
    const whole = new Uint8Array(byteLength)
    for (let offset = 0; offset < byteLength;) {
      const next = this.#pieces[this.#head]
      const part = this.take(Math.min(next.byteLength, byteLength - offset))
      whole.set(part, offset)
      offset += part.byteLength
    }
    return whole
  }

  /** Removes the first `byteLength` bytes, in their pieces. */
  split (byteLength: number): ByteQueue {
    const first = new ByteQueue()
    if (byteLength === this.#byteLength) {
      // All of them, as is usual.
      first.#pieces = this.#pieces
      first.#head = this.#head
      first.#byteLength = byteLength
      this.clear()
      return first
    }
    while (first.byteLength < byteLength) {
      first.append(this.take(Math.min(this.#pieces[this.#head].byteLength, byteLength - first.byteLength)))
    }
    return first
  }

  clear (): void {
    this.#pieces = []
    this.#head = 0
    this.#byteLength = 0
  }

  #drop (): void {
    this.#byteLength -= this.#pieces[this.#head].byteLength
    this.#pieces[this.#head++] = EMPTY
    if (this.#head === this.#pieces.length || this.#head >= 1024) {
      this.#pieces = this.#pieces.slice(this.#head)
      this.#head = 0
    }
  }
}
