import { randomStream } from '../../src/core/random.ts'
import { NS_PER_MS, NS_PER_S } from '../../src/core/units.ts'
import type { CongestionName } from '../../src/path/tcp.ts'
import { layOut, randomRegularGraph } from '../../src/sim/graph.ts'
import type { LinkOptions } from '../../src/sim/network.ts'
import { connect, parkingLot } from '../../src/sim/topology.ts'
import { mean, quantile } from '../../src/stats/quantile.ts'
import { compareBothLevels } from './figures.ts'
import type { Figure } from './figures.ts'
import { runFlows, runPackets } from './levels.ts'
import type { Scene, SceneResult } from './levels.ts'

const CONTROLLERS: readonly CongestionName[] = ['reno', 'cubic', 'bbr']
const ENDLESS_BYTES = 2 ** 40
const SEEDS = 3
const FROM_S = 20
const UNTIL_S = 100
const ACCESS_RATE = 1e9
/** Flows begin at random within this time, which decides who loses what for long. */
const STARTS_NS = 5 * NS_PER_S

/** What each flow gets of one link, and in a parking lot. */
export async function sharingFigures (report: (figures: readonly Figure[]) => void): Promise<void> {
  for (const congestion of CONTROLLERS) {
    for (const flows of [2, 5, 20]) {
      for (const spread of [0, 2]) {
        report(await dumbbellShares(congestion, flows, spread))
      }
    }
    for (const hops of [2, 3, 5]) {
      report(await parkingLotShares(congestion, hops))
    }
  }
}

/** Finite flows that come and go over a random graph. */
export async function randomFigures (report: (figures: readonly Figure[]) => void): Promise<void> {
  for (const congestion of CONTROLLERS) {
    for (const load of [100, 200, 400]) {
      report(await randomNetwork(congestion, load))
    }
  }
}

/** Flows over one link of 50 Mbit/s; round trips from 40 ms up to `1 + spread` times that, in even steps. */
async function dumbbellShares (congestion: CongestionName, flows: number, spread: number): Promise<Figure[]> {
  const rateBitsPerSecond = 50e6
  const rttsMs = Array.from({ length: flows }, (_, index) => 40 * (1 + spread * index / (flows - 1)))
  const bottleneck: LinkOptions = { rateBitsPerSecond, delayNs: 5 * NS_PER_MS, queue: { limitBytes: rateBitsPerSecond * mean(rttsMs) / 8e3 } }
  const build: Scene['build'] = (network, starts) => {
    const left = network.addNode()
    const right = network.addNode()
    connect(network, left, right, { forward: bottleneck, backward: { rateBitsPerSecond, delayNs: bottleneck.delayNs } })
    return rttsMs.map(rttMs => {
      const from = network.addNode({ forwards: false })
      const to = network.addNode({ forwards: false })
      connect(network, from, left, { forward: { rateBitsPerSecond: ACCESS_RATE, delayNs: Math.round((rttMs / 2 - 6) * NS_PER_MS) } })
      connect(network, right, to, { forward: { rateBitsPerSecond: ACCESS_RATE, delayNs: NS_PER_MS } })
      return { from, to, bytes: ENDLESS_BYTES, startNs: starts.integer(STARTS_NS) }
    })
  }
  const both = await compareBothLevels(...goodputs(congestion, build))
  const kind = spread === 0 ? 'equal RTTs' : 'unequal RTTs'
  return rttsMs.map((rttMs, index) => both.figure(`dumbbell, ${kind}, ${congestion}`, `${flows} flows, number ${index + 1}, ${rttMs.toFixed(0)} ms`, result => result[index]))
}

/** The long flow's goodput, and the mean of the others'. */
async function parkingLotShares (congestion: CongestionName, hops: number): Promise<Figure[]> {
  const hop: LinkOptions = { rateBitsPerSecond: 20e6, delayNs: 10 * NS_PER_MS, queue: { limitBytes: 20e6 * 40 / 8e3 } }
  const build: Scene['build'] = (network, starts) => {
    const { source, sink, crossSources, crossSinks } = parkingLot(network, {
      hops, hop: { forward: hop }, access: { forward: { rateBitsPerSecond: ACCESS_RATE, delayNs: 5 * NS_PER_MS } }
    })
    return [[source, sink], ...crossSources.map((from, index) => [from, crossSinks[index]])]
      .map(([from, to]) => ({ from, to, bytes: ENDLESS_BYTES, startNs: starts.integer(STARTS_NS) }))
  }
  const both = await compareBothLevels(...goodputs(congestion, build))
  return [
    both.figure(`parking lot, long flow, ${congestion}`, `${hops} links`, ([long]) => long),
    both.figure(`parking lot, short flows, ${congestion}`, `${hops} links`, ([, ...short]) => mean(short))
  ]
}

/** `flows` transfers of 10 kB to 10 MB within 20 s between random nodes of 50, each joined to four others by 20 Mbit/s. */
async function randomNetwork (congestion: CongestionName, flows: number): Promise<Figure[]> {
  const build: Scene['build'] = network => {
    const random = randomStream('validate:fluid/random network')
    const nodes = layOut(network, randomRegularGraph({ nodes: 50, degree: 4 }, random.fork('graph')), {
      link: { forward: { rateBitsPerSecond: 20e6, delayNs: 10 * NS_PER_MS, queue: { limitPackets: 100 } } }
    })
    const draws = random.fork('flows')
    return Array.from({ length: flows }, () => {
      const from = draws.integer(nodes.length)
      const to = (from + 1 + draws.integer(nodes.length - 1)) % nodes.length
      return { from: nodes[from], to: nodes[to], bytes: Math.round(10 ** draws.uniform(4, 7)), startNs: draws.integer(20 * NS_PER_S) }
    })
  }
  const scene: Scene = { congestion, seed: 'validate:fluid', build, fromS: 0, untilS: 600 }
  const both = await compareBothLevels(() => runPackets(scene).completionS, () => runFlows(scene).completionS)
  const label = `${flows} flows`
  return [
    ...[0.5, 0.9, 0.99].map(probability => both.figure(`random network, FCT p${probability * 100}, ${congestion}`, label, times => quantile(times, probability))),
    both.figure(`random network, mean FCT, ${congestion}`, label, times => mean(times)),
    ...Array.from({ length: flows }, (_, index) => both.figure(`random network, FCT of each flow, ${congestion}`, `${label}, number ${index + 1}`, times => times[index]))
  ]
}

/** Mbit/s of each flow at each level, a mean over seeds; where nothing is left to chance, the fluid level has one. */
function goodputs (congestion: CongestionName, build: Scene['build']): [() => number[], () => number[]] {
  const scene = (seed: number): Scene => ({ congestion, build, seed: `validate:fluid/${seed}`, fromS: FROM_S, untilS: UNTIL_S })
  const mbits = ({ deliveredBytes }: SceneResult): number[] => deliveredBytes.map(bytes => bytes * 8e-6 / (UNTIL_S - FROM_S))
  return [
    () => {
      const runs = Array.from({ length: SEEDS }, (_, seed) => mbits(runPackets(scene(seed))))
      return runs[0].map((_, flow) => mean(runs.map(run => run[flow])))
    },
    () => mbits(runFlows(scene(0)))
  ]
}
