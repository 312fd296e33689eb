import type { ICryptoInterface } from '@chainsafe/libp2p-noise'

const KEY_BYTES = 32
const TAG_BYTES = 16

let keys = 0

/**
 * Noise without cryptography: the same messages of the same sizes in the same order, at a fraction of the cost. Nothing is
 * secret and nothing is proved but the peer's identity, whose signature is real. For simulations only.
 */
export const nullCipher: ICryptoInterface = {
  hashSHA256: () => new Uint8Array(KEY_BYTES),
  getHKDF: () => [new Uint8Array(KEY_BYTES), new Uint8Array(KEY_BYTES), new Uint8Array(KEY_BYTES)],
  generateX25519KeyPair: () => {
    // No two are alike, for identities are signed with them.
    const key = new Uint8Array(KEY_BYTES)
    new DataView(key.buffer).setUint32(0, ++keys)
    return { publicKey: key, privateKey: key }
  },
  generateX25519KeyPairFromSeed: seed => ({ publicKey: seed, privateKey: seed }),
  generateX25519SharedKey: () => new Uint8Array(KEY_BYTES),
  chaCha20Poly1305Encrypt: plaintext => {
    const ciphertext = new Uint8Array(plaintext.byteLength + TAG_BYTES)
    let offset = 0
    for (const part of plaintext instanceof Uint8Array ? [plaintext] : plaintext) {
      ciphertext.set(part, offset)
      offset += part.byteLength
    }
    return ciphertext
  },
  // What Noise gives as a destination it has filled with the ciphertext, to be decrypted in place.
  chaCha20Poly1305Decrypt: (ciphertext, _nonce, _ad, _key, destination) => destination ?? ciphertext.subarray(0, ciphertext.byteLength - TAG_BYTES)
}
