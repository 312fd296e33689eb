import { runBulk } from '../../src/path/bulk.ts'
import { pathOptions } from '../../src/path/options.ts'
import { congestionName } from '../../src/path/tcp.ts'
import { readReference } from './reference.ts'

/** One transfer's window over time, over the kernel and over the model. */
export interface Overlay {
  /** For file names. */
  readonly name: string
  readonly title: string
  readonly kernel: readonly Point[]
  readonly model: readonly Point[]
}

export interface Point {
  readonly tS: number
  readonly cwndPackets: number
}

const TRACES = [
  { rateMbps: 10, rttMs: 20, congestion: 'reno' },
  { rateMbps: 50, rttMs: 20, congestion: 'cubic' },
  { rateMbps: 10, rttMs: 200, congestion: 'bbr' }
]

/** As long as the kernel's were traced. */
const DURATION_S = 15

/** Runs the transfers that there are traces of: no loss, 1 BDP. Those that the model cannot run have no model's line. */
export async function overlays (): Promise<Overlay[]> {
  const results: Overlay[] = []
  for (const { rateMbps, rttMs, congestion } of TRACES) {
    const path = pathOptions({ rateBitsPerSecond: rateMbps * 1e6, rttMs, lossDirection: 'forward', seed: 'validate:kernel/trace' })
    const kernel = await readReference(`fine_${rateMbps}_${rttMs}_${congestion}_0_1_11.csv`)
    let model: Point[] = []
    try {
      const run = await runBulk(path, { congestion: congestionName(congestion), durationS: DURATION_S, trace: true }, 0)
      model = (run?.samples ?? []).map(({ tMs, cwndPackets }) => ({ tS: tMs / 1e3, cwndPackets }))
    } catch (error) {
      process.stderr.write(`${congestion}: ${error instanceof Error ? error.message : String(error)}\n`)
    }
    results.push({
      name: `cwnd-${rateMbps}-${rttMs}-${congestion}`,
      title: `${congestion}, ${rateMbps} Mbit/s, ${rttMs} ms, buffer 1 BDP, no loss`,
      kernel: kernel.map(row => ({ tS: Number(row.t_ms) / 1e3, cwndPackets: Number(row.cwnd_pkts) })),
      model
    })
  }
  return results
}

const WIDTH = 720
const HEIGHT = 260
const MARGIN = { left: 56, right: 12, top: 34, bottom: 36 }
const KERNEL_COLOUR = '#7a8494'
const MODEL_COLOUR = '#c2410c'

/** An SVG that is legible on white and on black. */
export function overlaySvg ({ title, kernel, model }: Overlay): string {
  const highest = Math.max(...[...kernel, ...model].map(({ cwndPackets }) => cwndPackets))
  const top = niceAbove(highest)
  const x = (tS: number): number => MARGIN.left + tS / DURATION_S * (WIDTH - MARGIN.left - MARGIN.right)
  const y = (packets: number): number => HEIGHT - MARGIN.bottom - packets / top * (HEIGHT - MARGIN.top - MARGIN.bottom)
  const line = (points: readonly Point[], colour: string, width: number): string =>
    `<path fill="none" stroke="${colour}" stroke-width="${width}" stroke-linejoin="round" d="${points.map(({ tS, cwndPackets }, index) => `${index === 0 ? 'M' : 'L'}${x(tS).toFixed(1)} ${y(cwndPackets).toFixed(1)}`).join('')}"/>`
  const label = (at: [number, number], text: string, anchor: string, colour = KERNEL_COLOUR): string =>
    `<text x="${at[0]}" y="${at[1]}" text-anchor="${anchor}" fill="${colour}">${text}</text>`
  const rows = [0, 0.25, 0.5, 0.75, 1].map(part => part * top)
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" width="${WIDTH}" height="${HEIGHT}" font-family="system-ui, sans-serif" font-size="12" role="img">`,
    `<title>Congestion window, ${title}</title>`,
    label([MARGIN.left, 16], `window in packets: ${title}`, 'start'),
    label([WIDTH - MARGIN.right - 60, 16], 'kernel', 'end'),
    label([WIDTH - MARGIN.right, 16], 'model', 'end', MODEL_COLOUR),
    ...rows.map(value => `<line x1="${MARGIN.left}" x2="${WIDTH - MARGIN.right}" y1="${y(value)}" y2="${y(value)}" stroke="${KERNEL_COLOUR}" stroke-opacity="0.3"/>${label([MARGIN.left - 6, y(value) + 4], String(value), 'end')}`),
    ...[0, 5, 10, 15].map(value => label([x(value), HEIGHT - MARGIN.bottom + 18], `${value} s`, 'middle')),
    line(kernel, KERNEL_COLOUR, 2.5),
    line(model, MODEL_COLOUR, 1.2),
    '</svg>'
  ].join('\n')
}

/** A round number, divisible by four, that is at least `value`. */
function niceAbove (value: number): number {
  const magnitude = 10 ** Math.floor(Math.log10(value))
  return [1, 2, 4, 6, 8, 10].map(factor => factor * magnitude).find(candidate => candidate >= value) ?? 10 * magnitude
}
