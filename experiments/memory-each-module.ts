import type { Experiment } from '../src/experiment/definition.ts'
import { arms, cases, parameters, roles as memoryRoles } from './memory.ts'

/** Apart from `memory` for its real seconds: there two arms have the seeds that a verdict takes, here all have one. */
export const experiment: Experiment = {
  name: 'memory-each-module',
  title: 'What each module costs in memory',
  question: 'Which of the modules takes how much of a server\'s memory, and how do careful and careless users of plain libp2p compare?',
  expected: 'The pool and batching take most, for the streams that they keep, as much as a user who keeps streams by hand; the others a kilobyte or two a peer. Code that opens a connection a request and closes none takes several times as much as any.',
  parameters,
  arms,
  cases: cases.filter(({ name }) => name === 'server').map(theCase => ({
    ...theCase, description: `${theCase.description} One seed, for the seconds that a run takes: no comparison can be significant with it, so there are values and no verdicts, by design.`
  })),
  thresholds: [],
  repetitions: { sim: 0, stack: 0, tcp: 1 }
}

export const roles = memoryRoles
