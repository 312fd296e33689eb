import { readFileSync } from 'node:fs'
import { TwinwireError } from '../../../core/errors.ts'

const LOOKED_EVERY_MS = 200

/**
 * Watches for datagrams that the kernel dropped, because the sockets of this process's network namespace had no room for them:
 * a loss that no scenario asked for.
 */
export class LostDatagrams {
  readonly #failed = Promise.withResolvers<never>()
  readonly #timer: NodeJS.Timeout

  constructor () {
    this.#failed.promise.catch(() => {})
    this.#timer = setInterval(() => {
      const lost = lostIn(readFileSync('/proc/net/udp', 'utf8'))
      if (lost > 0) {
        this.#failed.reject(new TwinwireError('ERR_OVERLOADED', 'this machine cannot carry as many packets between network namespaces', {
          path: 'the hub of the tcp wire', expected: 'none lost on the way', found: `${lost} lost`
        }))
      }
    }, LOOKED_EVERY_MS)
  }

  /** Never resolves; rejects with ERR_OVERLOADED. */
  get failed (): Promise<never> {
    return this.#failed.promise
  }

  stop (): void {
    clearInterval(this.#timer)
  }
}

/** Sums the last column of `/proc/net/udp`: of each socket the datagrams dropped. */
export function lostIn (table: string): number {
  const rows = table.trim().split('\n').slice(1)
  return rows.reduce((sum, row) => sum + Number(row.trim().split(/\s+/).at(-1)), 0)
}
