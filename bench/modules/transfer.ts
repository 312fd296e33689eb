import { RequestStream } from '../../src/optim/index.ts'
import { Server } from './child.ts'
import { createNetwork, createNode, FETCH, LARGE_BYTES, STORE } from './nodes.ts'
import { median, medianRatio, report } from './report.ts'

// One megabyte on a warm connection, up and down: what the modules add to the time that libp2p takes for it.

const NAME = 'modules/transfer'
const WARM_UP = 20
const ROUNDS = 150
const TARGET = { at: 'most', value: 1.03 } as const

const small = new Uint8Array(100)
const large = new Uint8Array(LARGE_BYTES)

const server = await Server.start(['plain', 'unlimited'])
const [plainAddress, unlimitedAddress] = server.addresses
const plainNode = await createNode('client plain')
const connection = await plainNode.dial(plainAddress)
const node = await createNode('client unlimited')
const { remotePeer } = await node.dial(unlimitedAddress)
const network = createNetwork(node, 'unlimited')

for (const [direction, protocol, payload, expectedReplyBytes] of [['up', STORE, large, 0], ['down', FETCH, small, LARGE_BYTES]] as const) {
  const stream = RequestStream.of(await connection.newStream(protocol))
  const arms = [
    { arm: 'plain-kept-stream', ask: () => stream.request(payload), ms: [] as number[] },
    { arm: 'all-modules', ask: async () => await network?.request(remotePeer, protocol, payload, { expectedReplyBytes }), ms: [] as number[] }
  ]
  for (let i = -WARM_UP; i < ROUNDS; i++) {
    for (const { ask, ms } of i % 2 === 0 ? arms : arms.toReversed()) {
      const startMs = performance.now()
      await ask()
      if (i >= 0) {
        ms.push(performance.now() - startMs)
      }
    }
  }
  for (const { arm, ms } of arms) {
    report({ name: NAME, parameters: { arm, direction, bytes: LARGE_BYTES }, unit: 'ms', ...median(ms) })
  }
  const [plain, all] = arms
  report({ name: NAME, parameters: { arm: all.arm, against: plain.arm, direction, bytes: LARGE_BYTES }, unit: 'times the time', ...medianRatio(all.ms, plain.ms), target: TARGET })
}
await server.stop()
process.exit()
