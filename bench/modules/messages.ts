import { plainRequest, RequestStream } from '../../src/optim/index.ts'
import { randomStream } from '../../src/core/random.ts'
import { Server } from './child.ts'
import { createNetwork, createNode, ECHO, serve } from './nodes.ts'
import { median, medianRatio, report } from './report.ts'
import type { OptimizedNetwork } from '../../src/optim/index.ts'
import type { Multiaddr } from '@multiformats/multiaddr'
import type { Setup } from './nodes.ts'
import type { Target } from './report.ts'

// Small requests and replies over kernel TCP on loopback: how many a second, and what each costs both processes.

const NAME = 'modules/messages'
const PAYLOAD_BYTES = 100
const ASKERS = [64, 1]
const ROUNDS = 20
const ROUND_MS = 250
const WARM_UP_MS = 400

interface Arm {
  readonly name: string
  /** One request until its reply, or one message until it is acknowledged. */
  readonly ask: (payload: Uint8Array, asker: number) => Promise<unknown>
}

interface Round {
  readonly perSecond: number
  readonly clientMicroseconds: number
  readonly serverMicroseconds: number
}

/** What the modules are held against, and by what factor they should be faster with many askers. */
const BASELINES: ReadonlyArray<{ readonly name: string, readonly target: Target }> = [
  { name: 'plain-stream-a-request', target: { at: 'least', value: 10 } },
  { name: 'plain-kept-streams', target: { at: 'least', value: 3 } }
]

async function networkTo (address: Multiaddr, setup: Setup): Promise<{ readonly network: OptimizedNetwork, readonly peer: Parameters<OptimizedNetwork['request']>[0] }> {
  const node = await createNode(`client ${setup}`)
  const { remotePeer } = await node.dial(address)
  const network = createNetwork(node, setup)
  if (network === undefined) {
    throw new Error('no network in front of plain libp2p')
  }
  return { network, peer: remotePeer }
}

async function createArms ([plainAddress, allAddress, batchingAddress]: readonly Multiaddr[]): Promise<Arm[]> {
  const node = await createNode('client plain')
  // For the limits that go with it: libp2p opens no more than 64 streams of a protocol that it has no handler for.
  await serve(node, 'plain')
  const connection = await node.dial(plainAddress)
  const kept: RequestStream[] = []
  // One after the other: yamux takes ten streams before it has heard of them, and resets the rest.
  for (let i = 0; i < Math.max(...ASKERS); i++) {
    kept.push(RequestStream.of(await connection.newStream(ECHO)))
  }
  const all = await networkTo(allAddress, 'all')
  const batching = await networkTo(batchingAddress, 'batching')
  return [
    { name: 'plain-stream-a-request', ask: payload => plainRequest(node, connection.remotePeer, ECHO, payload) },
    { name: 'plain-kept-streams', ask: (payload, asker) => kept[asker].request(payload) },
    { name: 'all-modules', ask: payload => all.network.request(all.peer, ECHO, payload) },
    { name: 'batching-alone', ask: payload => batching.network.request(batching.peer, ECHO, payload) },
    { name: 'all-modules-one-way', ask: payload => all.network.send(all.peer, ECHO, payload) }
  ]
}

async function run ({ ask }: Arm, askers: number, forMs: number, server: Server): Promise<Round> {
  const serverBefore = await server.cpuMicroseconds()
  const clientBefore = process.cpuUsage()
  const startMs = performance.now()
  let count = 0
  await Promise.all(Array.from({ length: askers }, async (_, asker) => {
    while (performance.now() - startMs < forMs) {
      await ask(payload, asker)
      count++
    }
  }))
  const seconds = (performance.now() - startMs) / 1e3
  const { user, system } = process.cpuUsage(clientBefore)
  return {
    perSecond: count / seconds,
    clientMicroseconds: (user + system) / count,
    serverMicroseconds: (await server.cpuMicroseconds() - serverBefore) / count
  }
}

function reportArms (askers: number, rounds: ReadonlyMap<string, readonly Round[]>): void {
  const rates = (arm: string): number[] => rounds.get(arm)?.map(({ perSecond }) => perSecond) ?? []
  for (const [arm, all] of rounds) {
    report({ name: NAME, parameters: { arm, askers }, unit: 'messages/s', ...median(rates(arm)) })
    report({ name: NAME, parameters: { arm, askers }, unit: 'us of CPU a message, client', ...median(all.map(({ clientMicroseconds }) => clientMicroseconds)) })
    report({ name: NAME, parameters: { arm, askers }, unit: 'us of CPU a message, server', ...median(all.map(({ serverMicroseconds }) => serverMicroseconds)) })
  }
  for (const { name, target } of BASELINES) {
    for (const arm of [...rounds.keys()].filter(arm => !arm.startsWith('plain'))) {
      const isTarget = arm === 'all-modules' && askers > 1
      report({ name: NAME, parameters: { arm, against: name, askers }, unit: 'times the messages/s', ...medianRatio(rates(arm), rates(name)), ...isTarget && { target } })
    }
  }
}

// Random, so that it does not compress: that is measured by itself.
const random = randomStream(NAME)
const payload = Uint8Array.from({ length: PAYLOAD_BYTES }, () => random.integer(256))
const server = await Server.start(['plain', 'all', 'batching'])
const arms = await createArms(server.addresses)
for (const askers of ASKERS) {
  const rounds = new Map<string, Round[]>(arms.map(({ name }) => [name, []]))
  for (const arm of arms) {
    await run(arm, askers, WARM_UP_MS, server)
  }
  for (let i = 0; i < ROUNDS; i++) {
    for (const arm of arms) {
      rounds.get(arm.name)?.push(await run(arm, askers, ROUND_MS, server))
    }
  }
  reportArms(askers, rounds)
}
await server.stop()
process.exit()
