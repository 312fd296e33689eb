import type { ICryptoInterface } from '@chainsafe/libp2p-noise'

const KEY_BYTES = 32
const TAG_BYTES = 16
/** From here on Noise's own cipher leaves a list in its pieces, with the tag as one more, and each is a write. */
const PIECEWISE_BYTES = 1_200

let keys = 0

/**
 * Noise without cryptography: the same messages of the same sizes in the same order and pieces, at a fraction of the cost. Nothing is
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
    if (plaintext.byteLength >= PIECEWISE_BYTES && !(plaintext instanceof Uint8Array)) {
      const ciphertext = plaintext.sublist()
      ciphertext.append(new Uint8Array(TAG_BYTES))
      return ciphertext
    }
    const ciphertext = new Uint8Array(plaintext.byteLength + TAG_BYTES)
    ciphertext.set(plaintext.subarray())
    return ciphertext
  },
  chaCha20Poly1305Decrypt: (ciphertext, _nonce, _ad, _key, destination) => {
    const plaintextBytes = ciphertext.byteLength - TAG_BYTES
    if (ciphertext.byteLength >= PIECEWISE_BYTES && !(ciphertext instanceof Uint8Array)) {
      return ciphertext.sublist(0, plaintextBytes)
    }
    // What Noise gives as a destination it has filled with the ciphertext, to be decrypted in place.
    return destination ?? ciphertext.subarray(0, plaintextBytes)
  }
}
