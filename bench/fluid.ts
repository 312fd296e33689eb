import { parseArgs } from 'node:util'
import { randomStream } from '../src/core/random.ts'
import { NS_PER_MS, NS_PER_S } from '../src/core/units.ts'
import { FluidNetwork } from '../src/sim/fluid/fluid-network.ts'
import { layOut, randomRegularGraph } from '../src/sim/graph.ts'
import { Kernel } from '../src/sim/kernel.ts'

/**
 * The fluid level at size: flows between random nodes of 250, each joined to four others both ways (1,000 links of 100
 * Mbit/s, 10 ms). `recompute`: so many endless flows, and what it takes to share out all links when one more begins.
 * `churn`: 1,000 flows of 1 MB in the mean begin each second, and links are shared out once in 5 ms at most.
 */

const NODES = 250
const DEGREE = 4
const FLOWS = 10_000
const ENDLESS_BYTES = 2 ** 50
const CHURN_S = 5
const CHURN_FLOWS_PER_S = 1000

interface Result {
  readonly case: string
  readonly links: number
  readonly flows: number
  readonly repetition: number
  readonly cpuSeconds: number
  readonly recomputations: number
  readonly millisecondsEach: number
  readonly events: number
  readonly peakResidentBytes: number
}

function build (settleNs: number): { readonly network: FluidNetwork, readonly start: (bytes: number) => void } {
  const random = randomStream('bench/fluid')
  const network = new FluidNetwork(new Kernel(), random, { settleNs })
  const graph = randomRegularGraph({ nodes: NODES, degree: DEGREE }, random.fork('graph'))
  const nodes = layOut(network, graph, { link: { forward: { rateBitsPerSecond: 100e6, delayNs: 10 * NS_PER_MS, queue: { limitPackets: 500 } } } })
  const ends = random.fork('ends')
  return {
    network,
    start: bytes => {
      const from = ends.integer(nodes.length)
      network.startFlow({ from: nodes[from], to: nodes[(from + 1 + ends.integer(nodes.length - 1)) % nodes.length], bytes })
    }
  }
}

function recompute (repetition: number): Result {
  const { network, start } = build(10 * NS_PER_MS)
  const { kernel } = network
  for (let flow = 0; flow < FLOWS; flow++) {
    start(ENDLESS_BYTES)
  }
  kernel.run(20 * NS_PER_S)
  const startOne = kernel.define(() => start(ENDLESS_BYTES), 'event')
  const changes = 20
  for (let change = 0; change < changes; change++) {
    kernel.schedule(kernel.nowNs + (change + 1) * NS_PER_S, startOne, 0)
  }
  return measured('fluid-recompute', network, repetition, (changes + 10) * NS_PER_S)
}

function churn (repetition: number): Result {
  const { network, start } = build(5 * NS_PER_MS)
  const { kernel } = network
  const sizes = randomStream('bench/fluid/sizes')
  const startOne = kernel.define(() => start(Math.ceil(sizes.exponential(1e6))), 'event')
  for (let flow = 0; flow < CHURN_S * CHURN_FLOWS_PER_S; flow++) {
    kernel.schedule(sizes.integer(CHURN_S * NS_PER_S), startOne, 0)
  }
  return measured('fluid-churn', network, repetition, CHURN_S * NS_PER_S)
}

function measured (name: string, network: FluidNetwork, repetition: number, forNs: number): Result {
  const { kernel } = network
  const [sharings, events] = [network.sharings, kernel.dispatched]
  const before = process.cpuUsage()
  kernel.run(kernel.nowNs + forNs)
  const cpuSeconds = process.cpuUsage(before).user / 1e6
  network.checkConservation()
  const recomputations = network.sharings - sharings
  return {
    case: name,
    links: NODES * DEGREE,
    flows: network.activeFlows,
    repetition,
    cpuSeconds,
    recomputations,
    millisecondsEach: cpuSeconds * 1e3 / recomputations,
    events: kernel.dispatched - events,
    peakResidentBytes: process.resourceUsage().maxRSS * 1024
  }
}

function line ({ case: name, links, flows, repetition, cpuSeconds, recomputations, millisecondsEach, events, peakResidentBytes }: Result): string {
  return `${name} #${repetition}: ${flows} flows over ${links} links, ${cpuSeconds.toFixed(3)} s CPU, ${recomputations} recomputations of ${millisecondsEach.toFixed(2)} ms, ` +
    `${events} events, peak ${(peakResidentBytes / 2 ** 20).toFixed(0)} MiB`
}

const { values } = parseArgs({ options: { json: { type: 'boolean', default: false }, repetitions: { type: 'string', default: '3' } } })
for (const run of [recompute, churn]) {
  for (let repetition = 1; repetition <= Number(values.repetitions); repetition++) {
    const result = run(repetition)
    console.log(values.json ? JSON.stringify(result) : line(result))
  }
}
