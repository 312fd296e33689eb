/**
 * What computing takes a peer each time that a connection has something to tell, ms, on the machine of docs/performance.md
 * (`npm run bench -- stack`, real cipher): a dial and its close take 4.4 ms of the processor, a new stream with an echo
 * 0.72 ms, both ends together. In simulation they are four events at each end and three, so that an event takes 0.37 ms,
 * and a client that connects and asks 2.6 ms of its server's one core. Data on an open stream is charged the same, which is
 * three times what it takes.
 *
 * It is measured apart from what it is used for, and stands in scenarios whose question is what processors do: a crowd, and
 * paths that have no delay. Everywhere else simulated peers compute in no time.
 */
export const COMPUTING_PER_EVENT_MS = (4.4 + 0.72) / 2 / (4 + 3)
