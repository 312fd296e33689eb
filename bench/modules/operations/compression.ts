import { randomStream } from '../../../src/core/random.ts'
import { compress, decompress } from '../../../src/optim/batching/compression/codecs.ts'
import type { Operation } from './operation.ts'

const SIZES = [512, 64 * 1024]
const CODECS = ['snappy', 'deflate'] as const

/** Both codecs, on text and on what does not compress, by the byte that was there before. */
export function compressionOperations (): Operation[] {
  return ([['JSON', json], ['random', randomBytes]] as const).flatMap(([content, create]) => SIZES.flatMap(bytes => {
    const plain = create(bytes)
    return CODECS.flatMap(codec => {
      const compressed = compress(codec, plain)
      const what = `${bytes} B of ${content}, ratio ${(compressed.length / bytes).toFixed(2)}`
      return [
        { name: `${codec}: compress ${what}`, count: bytes, of: 'byte', run: () => compress(codec, plain) },
        { name: `${codec}: decompress ${what}`, count: bytes, of: 'byte', run: () => decompress(codec, compressed, bytes) }
      ]
    })
  }))
}

/** Small records with numbers and names, as applications send them. */
function json (bytes: number): Uint8Array {
  const random = randomStream('json')
  let text = ''
  while (text.length < bytes) {
    text += JSON.stringify({ id: random.integer(1e9), user: `user-${random.integer(1000)}`, price: random.integer(1e5) / 100, tags: ['new', 'sale'].slice(random.integer(2)) })
  }
  return new TextEncoder().encode(text.slice(0, bytes))
}

function randomBytes (bytes: number): Uint8Array {
  const random = randomStream('bytes')
  return Uint8Array.from({ length: bytes }, () => random.integer(256))
}
