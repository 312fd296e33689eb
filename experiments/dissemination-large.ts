import * as z from 'zod'
import type { Experiment } from '../src/experiment/definition.ts'
import { arms, regionsCase } from './dissemination.ts'

export { roles } from './dissemination.ts'

const parameters = z.object({
  peers: z.int().min(9).max(10_000).default(1_000).describe('Peers of the overlays in which all arms are compared'),
  manyPeers: z.int().min(9).max(10_000).default(10_000).describe('Peers of the largest overlay'),
  deadlineMs: z.number().positive().default(10_000).describe('What a message to one neighbour may take at most in the arms with modules, ms')
})

/** The question of `dissemination`, apart from it because a run takes minutes: few seeds, of which each has thousands of peers. */
export const experiment: Experiment = {
  name: 'dissemination-large',
  title: 'One message to thousands of peers',
  question: 'How long does a message take to a thousand and to ten thousand peers, and do the modules change it there?',
  expected: 'As with a hundred peers, two or three hops later: an overlay grows with the logarithm of its peers. Nothing for the modules to gain.',
  parameters,
  arms,
  cases: [
    regionsCase('small', '1 kB, a thousand peers', 'A message of 1 kB over a random 8-regular overlay of hosts in eight regions, 20% behind 1024 and 80% behind 50 Mbit/s. Three publishers, two seconds apart.', 'peers', ['sim']),
    regionsCase('block', '128 kB, a thousand peers', 'The same with 128 kB, two publishers.', 'peers', ['sim']),
    { ...regionsCase('small-many', '1 kB, ten thousand peers', 'Two publishers, 40,000 connections.', 'manyPeers', ['sim']), arms: ['plain'] }
  ],
  thresholds: [],
  repetitions: { sim: 3, stack: 0, tcp: 0 }
}
