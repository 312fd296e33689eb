import * as z from 'zod'
import type { Experiment } from '../src/experiment/definition.ts'
import { arms as allArms, regionsCase, smallThresholds } from './dissemination.ts'

export { roles } from './dissemination.ts'

const parameters = z.object({
  peers: z.int().min(9).max(10_000).default(1_000).describe('Peers of the overlays in which all arms are compared'),
  manyPeers: z.int().min(9).max(10_000).default(10_000).describe('Peers of the largest overlay. Ten thousand take minutes of a processor and 1.7 GB'),
  deadlineMs: z.number().positive().default(10_000).describe('What a message to one neighbour may take at most in the arms with modules, ms')
})

/** All five modules cost six times the processor that plain streams do: `dissemination` has them, at that size. */
const ARMS = ['plain', 'pool'] as const
const arms = allArms.filter(({ name }) => ARMS.some(arm => arm === name))

/** The question of `dissemination`, apart from it because a run takes minutes: one seed, which has thousands of peers, and no arm with all modules. */
export const experiment: Experiment = {
  name: 'dissemination-large',
  title: 'One message to thousands of peers',
  question: 'How long does a message take to a thousand and to ten thousand peers, and does the connection pool change it there?',
  expected: 'Written after the arms plain and pool had been seen at a thousand peers, so no prediction of those: as with fifty peers, two or three hops later, for an overlay grows with the logarithm of its peers. Nothing for the pool to gain.',
  parameters,
  arms,
  // The one that takes the longest first.
  cases: [
    { ...regionsCase('small-many', '1 kB, ten thousand peers', 'Two publishers, 40,000 connections. Without the pool, for the processor\'s sake.', 'manyPeers', ['sim']), arms: ['plain'] },
    regionsCase('small', '1 kB, a thousand peers', 'A message of 1 kB over a random 8-regular overlay of hosts in eight regions, 20% behind 1024 and 80% behind 50 Mbit/s. Three publishers, two seconds apart. One seed, for the processor\'s sake: no comparison can be significant with it, so there are values and no verdicts, by design.', 'peers', ['sim']),
    // A run with the pool is ten minutes of a processor, for what `dissemination` shows with fifty peers.
    { ...regionsCase('block', '128 kB, a thousand peers', 'The same with 128 kB, one publisher, and without the pool.', 'peers', ['sim']), arms: ['plain'] }
  ],
  thresholds: [...smallThresholds('small-many', arms.filter(({ name }) => name === 'plain')), ...smallThresholds('small', arms)],
  // Not the usual twenty: a seed is some minutes of a processor, of which a thousand peers take ten seconds a run at the least.
  repetitions: { sim: 1, stack: 0, tcp: 0 }
}
