import { show, TwinwireError } from '../../core/errors.ts'
import type { Scenario } from '../scenario.ts'

/**
 * A freeze blocks the event loop of its host's process, which is that of all hosts in it.
 *
 * @throws ERR_UNSUPPORTED for the first freeze of a host that shares its process
 */
export function checkFreezes ({ hosts, faults }: Scenario): void {
  const processes = new Map(hosts.map(({ name, process }) => [name, process]))
  faults.forEach((fault, index) => {
    const process = fault.kind === 'freeze' ? processes.get(fault.host) : undefined
    const sharers = process === undefined ? [] : hosts.filter(host => host.process === process)
    if (fault.kind === 'freeze' && sharers.length > 1) {
      throw new TwinwireError('ERR_UNSUPPORTED', 'hosts that share a process cannot be frozen one by one', {
        path: `scenario.faults[${index}].host`,
        expected: 'a host that is alone in its process on the tcp wire',
        found: `${show(fault.host)}, one of ${sharers.length} in the process ${show(process)}`
      })
    }
  })
}
