import { readFileSync } from 'node:fs'
import { TwinwireError } from '../../../core/errors.ts'

/**
 * Looks for packets that the kernel dropped in this process's network namespace, at sockets that had no room for them or at
 * devices: a loss that no scenario asked for.
 *
 * @throws ERR_PACKETS_LOST
 */
export function checkNoneLost (): void {
  const lost = lostAtSockets(readFileSync('/proc/net/udp', 'utf8')) + lostAtDevices(readFileSync('/proc/net/dev', 'utf8'))
  if (lost > 0) {
    throw new TwinwireError('ERR_PACKETS_LOST', 'this machine could not carry as many packets between network namespaces', {
      path: 'the hub of the tcp wire', expected: 'none lost on the way', found: `${lost} lost`
    })
  }
}

/** Sums the last column of `/proc/net/udp`: of each socket the datagrams dropped. */
export function lostAtSockets (table: string): number {
  const rows = table.trim().split('\n').slice(1)
  return rows.reduce((sum, row) => sum + Number(row.trim().split(/\s+/).at(-1)), 0)
}

/** Sums `/proc/net/dev` (proc_net_dev(5)): of each device eight numbers received, the fourth those dropped, and as many sent. */
export function lostAtDevices (table: string): number {
  return table.trim().split('\n').slice(2).reduce((sum, row) => {
    const [, , , received, , , , , , , , sent] = row.slice(row.indexOf(':') + 1).trim().split(/\s+/).map(Number)
    return sum + received + sent
  }, 0)
}
