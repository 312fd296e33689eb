import { generateKeyPair } from '@libp2p/crypto/keys'
import { TwinwireError } from '../core/errors.ts'
import type { Environment } from './environment.ts'

/**
 * A module of libp2p that was loaded before this thread went into virtual time keeps the real timers and the real chance, and
 * nothing would tell: runs would just not repeat, and wait in real time. @libp2p/crypto, which libp2p and most of its parts
 * load, keeps Node's function that makes keys, and so shows it; a part that does without it (@libp2p/tcp) goes unnoticed, and
 * so does another copy of it.
 *
 * @throws ERR_INVALID_STATE where @libp2p/crypto was loaded before
 */
export function assertLoadedFirst (environment: Environment): void {
  if (!environment.isSimulated(() => { void generateKeyPair('Ed25519') })) {
    throw new TwinwireError('ERR_INVALID_STATE', 'libp2p was loaded before twinwire/libp2p, and would live in real time', {
      expected: 'twinwire/libp2p as the first import, before libp2p and all that imports it', found: '@libp2p/crypto loaded already'
    })
  }
}
