import { keptStreams, measure, modulesOfArm, openLoop, poissonArrivals, recordSample, requesterWith, requestPayloads, serveRequestReply, z } from '../src/authoring/index.ts'
import type { Experiment, Host, Role, RunParameters } from '../src/authoring/index.ts'

// One question: does a connection pool answer sooner, also across a reset? docs/writing-experiments.md explains each part.

/** What `--set` and `--parameters` change. Each has a default, and a description that says its unit. */
const parameters = z.object({
  rttMs: z.number().positive().default(80).describe('Round trip between client and server, ms'),
  requestsPerSecond: z.number().positive().default(10).describe('Arrivals, Poisson'),
  durationMs: z.number().positive().default(10_000).describe('How long requests arrive, ms'),
  deadlineMs: z.number().positive().default(5_000).describe('What a user waits for an answer at most, the same in all arms, ms')
})

export const experiment: Experiment = {
  // Also the name of this file.
  name: 'my-question',
  title: 'Requests across a reset',
  question: 'Does a connection pool answer requests sooner, and what becomes of those under way when the connection is reset?',
  // Written down before it is measured, and left alone afterwards: the report says what came out.
  expected: 'One round trip with kept streams, by hand or the pool\'s, against two. The reset fails what is under way in all arms, and no more.',
  parameters,
  // The first is the baseline that the others are compared with. Modules have the names of `createOptimizedNetwork`:
  // connectionPool, messageBatching, adaptiveTimeouts, ...
  arms: [
    { name: 'plain', title: 'Plain libp2p', description: 'The connection is reused, each request opens a stream.' },
    // Who saves the round trip by hand: a module is worth what it gains beyond that.
    { name: 'kept-streams', title: 'Kept streams', description: 'Plain libp2p whose streams are kept and used again, by hand.' },
    { name: 'pool', title: 'Pool', description: 'The connection pool with its defaults: streams are kept.', modules: ['connectionPool'] }
  ],
  cases: [{
    name: 'reset',
    title: 'Reset in the middle',
    description: 'Requests arrive, and the connection is reset once, at a random time in the middle of them.',
    // On real peers it mostly waits, so that several runs share the machine.
    busyProcessors: 0.05,
    // The same network for all arms of a seed: whatever is random comes from `random`, nothing from the arm.
    scenario: (run, random) => ({
      hosts: [{ name: 'client', role: 'client' }, { name: 'server', role: 'server' }],
      paths: [{ from: 'client', to: 'server', forward: { delayMs: Number(run.rttMs) / 2, rateBitsPerSecond: 20e6 } }],
      faults: [{ kind: 'reset', from: 'client', to: 'server', atMs: Number(run.durationMs) * random.uniform(0.4, 0.6) }],
      limitMs: Number(run.durationMs) + 2 * Number(run.deadlineMs)
    }),
    metrics: [
      { name: 'request', title: 'Request', sample: 'request', statistic: 'p50', unit: 'ms', better: 'lower', minimumEffect: 0.05 },
      { name: 'request-kept', title: 'The same, against kept streams', sample: 'request', statistic: 'p50', unit: 'ms', better: 'lower', baseline: 'kept-streams', minimumEffect: 0.05 },
      { name: 'failed', title: 'Failed requests', sample: 'request', statistic: 'failed-share', unit: 'share', better: 'lower', minimumEffect: 0.05 },
      // What the gains are paid with stands beside them.
      { name: 'connections', title: 'Connections opened', sample: 'connections', statistic: 'mean', unit: 'count', better: 'lower', role: 'cost', minimumEffect: 0.05 }
    ]
  }],
  // What shall stay so: the exit code is 1 where it does not hold. One round trip, and a tenth on top.
  thresholds: [{ case: 'reset', metric: 'request', arm: 'pool', limit: 88, direction: 'at-most' }],
  // What somebody promised: the report says whether it is met.
  promises: [{
    promise: 'requests take a third less time', reading: 'median request to a connected peer',
    case: 'reset', metric: 'request', arm: 'pool', target: { change: -0.33 }
  }, {
    promise: 'requests take a third less time', reading: 'the same, against streams kept by hand',
    case: 'reset', metric: 'request-kept', arm: 'pool', target: { change: -0.33 }
  }]
}

/** What hosts do, by the names that the scenario gives them. */
export const roles: Readonly<Record<string, Role>> = {
  server: { setUp: async host => { await serveRequestReply(host.node) } },
  client: { run: requests }
}

/** Time, chance and the end of the run come from the host: never from `Date`, `Math.random` or `setTimeout`. */
async function requests (host: Host, { arm, requestsPerSecond, durationMs, deadlineMs }: RunParameters): Promise<void> {
  let opened = 0
  host.node.addEventListener('connection:open', () => { opened++ })
  const server = host.peer('server')
  const requester = arm === 'kept-streams'
    ? keptStreams({ node: host.node, addresses: server.addresses })
    : await requesterWith(host, server, Number(deadlineMs), modulesOfArm(experiment.arms, { arm }))
  try {
    const payloadOf = requestPayloads(100, 1_000)
    // An open loop: a slow arm does not slow its users. All arms of a seed meet the same arrivals.
    const arrivals = poissonArrivals(host.random.fork('arrivals'), Number(requestsPerSecond), Number(durationMs))
    await openLoop(host.clock, arrivals, async scheduledMs => {
      // A failure is a sample, too, of what it took to fail.
      await measure(host, 'request', Number(deadlineMs), async signal => { await requester.request(payloadOf(), signal) }, scheduledMs).catch(() => {})
    }, host.signal)
  } finally {
    await requester[Symbol.asyncDispose]()
  }
  recordSample(host, 'connections', opened)
}
