import { setTimeout as wait } from 'node:timers/promises'
import { RequestStream } from '../../src/optim/index.ts'
import { randomStream } from '../../src/core/random.ts'
import { percentileInterval } from '../../src/stats/interval.ts'
import { quantileSorted } from '../../src/stats/quantile.ts'
import { Server } from './child.ts'
import { createNetwork, createNode, ECHO } from './nodes.ts'
import { of, report } from './report.ts'
import type { Interval } from '../../src/stats/interval.ts'

// A small request now and then on an idle link: what the modules add to its delay.

const NAME = 'modules/latency'
const PAYLOAD_BYTES = 100
/** Of each arm; they take turns, half of this apart. */
const INTERVAL_MS = 20
const WARM_UP = 200
/** Resampled whole, since what disturbs one request often disturbs the next. */
const BLOCKS = 20
const BLOCK_REQUESTS = 50

function quantileOf (blocks: ReadonlyArray<readonly number[]>, probability: number): number {
  return quantileSorted(Float64Array.from(blocks.flat()).sort(), probability)
}

/** The interval of what `evaluate` makes of the picked blocks. */
function interval (evaluate: (pick: readonly number[]) => number): Interval {
  const random = randomStream(NAME)
  const all = Array.from({ length: BLOCKS }, (_, i) => i)
  return percentileInterval(evaluate(all), () => evaluate(all.map(() => random.integer(BLOCKS))))
}

const server = await Server.start(['plain', 'all'])
const [plainAddress, allAddress] = server.addresses
const plainNode = await createNode('client plain')
const stream = RequestStream.of(await (await plainNode.dial(plainAddress)).newStream(ECHO))
const node = await createNode('client all')
const { remotePeer } = await node.dial(allAddress)
const network = createNetwork(node, 'all')
const payload = new Uint8Array(PAYLOAD_BYTES)

const plain: number[][] = Array.from({ length: BLOCKS }, () => [])
const all: number[][] = Array.from({ length: BLOCKS }, () => [])
const arms = [
  { arm: 'plain-kept-stream', ask: () => stream.request(payload), blocks: plain },
  { arm: 'all-modules', ask: async () => await network?.request(remotePeer, ECHO, payload), blocks: all }
]
for (let i = -WARM_UP; i < BLOCKS * BLOCK_REQUESTS; i++) {
  for (const { ask, blocks } of arms) {
    if (i >= 0) {
      await wait(INTERVAL_MS / arms.length)
    }
    const startMs = performance.now()
    await ask()
    if (i >= 0) {
      blocks[Math.floor(i / BLOCK_REQUESTS)].push(performance.now() - startMs)
    }
  }
}
for (const [percentile, probability] of [['p50', 0.5], ['p99', 0.99]] as const) {
  for (const { arm, blocks } of arms) {
    report({ name: NAME, parameters: { arm, percentile }, unit: 'ms', ...of(interval(pick => quantileOf(pick.map(i => blocks[i]), probability))) })
  }
  report({
    name: NAME,
    parameters: { arm: 'all-modules', against: 'plain-kept-stream', percentile },
    unit: 'ms more',
    ...of(interval(pick => quantileOf(pick.map(i => all[i]), probability) - quantileOf(pick.map(i => plain[i]), probability)))
  })
}
await server.stop()
process.exit()
