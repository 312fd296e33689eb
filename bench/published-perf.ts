import { readFileSync } from 'node:fs'
import * as z from 'zod'
import { quantile } from '../src/stats/quantile.ts'

// What docs/libp2p-perf.md says of the published figures: `node bench/published-perf.ts benchmark-results.json`, the file
// being perf/runner/benchmark-results.json of libp2p/test-plans.

const resultsSchema = z.object({
  benchmarks: z.array(z.object({
    results: z.array(z.object({
      implementation: z.string(),
      version: z.string(),
      transportStack: z.string(),
      result: z.array(z.object({ timeSeconds: z.number(), uploadBytes: z.number(), downloadBytes: z.number() }))
    }))
  })).length(3),
  pings: z.object({ results: z.array(z.number()) }),
  iperf: z.object({ results: z.array(z.number()) })
})

/** Each transfer is killed after 20 s, in its twentieth interval. */
const INTERVALS_A_TRANSFER = 19
const TRANSFERS = 10
/** The window is full by then. */
const RAMP_INTERVALS = 3

const [, , file] = process.argv
if (file === undefined) {
  process.stderr.write('usage: node bench/published-perf.ts <benchmark-results.json>\n')
  process.exit(2)
}
const { benchmarks, pings, iperf } = resultsSchema.parse(JSON.parse(readFileSync(file, 'utf8')))
const [uploads, downloads, latencies] = benchmarks

const rttMs = quantile(pings.results, 0.5) * 1e3
console.log(`ping ${rttMs.toFixed(1)} ms, iperf ${gbit(quantile(iperf.results, 0.5))}`)

for (const { implementation, version, transportStack, result } of latencies.results) {
  const timesMs = result.map(({ timeSeconds }) => timeSeconds * 1e3)
  const [low, median, high] = [0.05, 0.5, 0.95].map(share => quantile(timesMs, share))
  console.log(`connect and one byte, ${implementation} ${version} ${transportStack}: ${median.toFixed(0)} ms (${low.toFixed(0)} to ${high.toFixed(0)}), ${(median / rttMs).toFixed(2)} round trips`)
}
for (const [name, { results }] of [['upload', uploads], ['download', downloads]] as const) {
  const intervals = results.find(({ implementation }) => implementation === 'js-libp2p')?.result ?? []
  const rates = intervals.map(({ timeSeconds, uploadBytes, downloadBytes }) => (uploadBytes + downloadBytes) * 8 / timeSeconds)
  const nth = (n: number): number[] => rates.filter((_, index) => index % INTERVALS_A_TRANSFER === n)
  const steady = quantile(rates.filter((_, index) => index % INTERVALS_A_TRANSFER >= RAMP_INTERVALS), 0.5)
  const rampsMs = Array.from({ length: TRANSFERS }, (_, transfer) => {
    const ramp = rates.slice(transfer * INTERVALS_A_TRANSFER).slice(0, RAMP_INTERVALS)
    return ramp.reduce((sumMs, rate) => sumMs + 1e3 * (1 - rate / steady), 0)
  })
  console.log(`${name}, js-libp2p: ${gbit(quantile(rates, 0.5))} over ${rates.length} intervals; first second ${gbit(quantile(nth(0), 0.5))}, second ${gbit(quantile(nth(1), 0.5))}, from the fourth on ${gbit(steady)}; ramp ${quantile(rampsMs, 0.5).toFixed(0)} ms`)
}

function gbit (bitsPerSecond: number): string {
  return `${(bitsPerSecond / 1e9).toFixed(3)} Gbit/s`
}
