import * as z from 'zod'
import type { Experiment } from '../src/experiment/definition.ts'
import { arms, crowd, parameters as crowdParameters, roles as crowdRoles } from './concurrent-connections.ts'

const ARMS = ['plain', 'plain-defaults', 'kept-streams', 'full'] as const
/** The largest first, which take the longest. */
const LEVELS = [10_000, 3_000] as const
const WITHOUT_VERDICT = 'One seed, for the processor\'s sake: no comparison can be significant with it, so there are values and no verdicts, by design.'

const parameters = crowdParameters.extend({
  clientsPerSecond: z.number().positive().default(5_000).describe('How fast they come: all connect within the time that this gives, each at an instant of its own drawn evenly'),
  perEventMs: z.number().min(0).max(1_000).default(0).describe('What computing takes at each simulated peer each time that a connection has something to tell, ms. Nothing: one core would be busy for half a minute with ten thousand handshakes, and the question is the protocols\'')
})

/** Beside `concurrent-connections`, with crowds that no machine of two cores carries as real peers, and not with twenty seeds either. */
export const experiment: Experiment = {
  name: 'large-crowd',
  title: 'A crowd of thousands at one server',
  question: 'Does one node with raised limits still take three and ten thousand clients, five thousand more each second, as the sessions of libp2p have it, apart from what computing takes?',
  expected: 'All are served in five round trips: nothing in the protocols stands in the way, and simulated peers compute in no time. Under default limits the share that is let in falls as the crowd grows.',
  parameters,
  arms: arms.filter(({ name }) => ARMS.some(arm => arm === name)),
  cases: LEVELS.map(clients => crowd(clients, { name: `clients-${clients}`, description: `As in concurrent-connections, with peers that compute in no time. ${WITHOUT_VERDICT}`, wires: ['sim'], sweep: { name: 'clients', levels: { clients } } })),
  thresholds: LEVELS.map(clients => ({ case: `clients-${clients}`, metric: 'unserved', arm: 'full', limit: 0.01, direction: 'at-most' })),
  sweeps: [{ name: 'clients', title: 'Clients', description: 'Three and ten thousand clients, in simulation only.', factors: [{ name: 'clients', title: 'Clients', unit: 'count', scale: 'log' }] }],
  // Not the usual twenty: a run of ten thousand is a minute's work or more, and runs differ in arrivals alone.
  repetitions: { sim: 1, stack: 0, tcp: 0 }
}

export const roles = crowdRoles
