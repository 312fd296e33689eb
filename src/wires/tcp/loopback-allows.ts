import { TwinwireError } from '../../core/errors.ts'
import { UNLIMITED_SESSION } from '../../sim/session/options.ts'
import { sessionOptions } from '../libp2p-options.ts'
import type { Scenario } from '../scenario.ts'

/**
 * All of loopback is one remote host to libp2p: what one of several others uses up is gone for all.
 *
 * @throws ERR_UNSUPPORTED for a limit that would count several hosts as one
 */
export function checkRateOfConnections ({ hosts }: Scenario): void {
  hosts.forEach(({ libp2p }, index) => {
    const { inboundConnectionThreshold } = sessionOptions(libp2p).limits
    if (hosts.length > 2 && inboundConnectionThreshold < UNLIMITED_SESSION.limits.inboundConnectionThreshold) {
      throw new TwinwireError('ERR_UNSUPPORTED', 'peers on loopback have one address, and would be counted as one', {
        path: `scenario.hosts[${index}].libp2p.inboundConnectionThreshold`, expected: 'two hosts, or no such limit, on the tcp wire', found: String(inboundConnectionThreshold)
      })
    }
  })
}
