import { TwinwireError } from '../../../core/errors.ts'
import { randomStream } from '../../../core/random.ts'
import { Kernel } from '../../../sim/kernel.ts'
import { PacketNetwork } from '../../../sim/network.ts'
import { Packets } from '../../../sim/packets.ts'
import { ScenarioLinks } from '../../scenario-links.ts'
import type { Scenario } from '../../scenario.ts'
import { CARD_BITS_PER_SECOND } from './layout.ts'

/**
 * Lays a scenario out before anything is started for it. A link without a rate is as fast as what carries it.
 *
 * @throws ERR_UNSUPPORTED for a link, of a topology or with a trace, that is faster than what carries it
 * @throws ERR_INVALID_OPTION for a fault on a link that the topology has not
 */
export function checkLinks (scenario: Scenario): void {
  const random = randomStream('links to be checked')
  const network = new PacketNetwork(new Kernel(), new Packets(), random)
  void new ScenarioLinks(network, scenario, random)
  const fast = network.links.find(({ rateBitsPerSecond }) => rateBitsPerSecond !== Infinity && rateBitsPerSecond > CARD_BITS_PER_SECOND)
  if (fast !== undefined) {
    throw new TwinwireError('ERR_UNSUPPORTED', 'a hub between network namespaces cannot carry as much', {
      path: scenario.topology === undefined ? 'scenario.paths' : 'scenario.topology', expected: `links of at most ${CARD_BITS_PER_SECOND / 1e6} Mbit/s on the tcp wire`, found: `one of ${fast.rateBitsPerSecond / 1e6} Mbit/s`
    })
  }
}
