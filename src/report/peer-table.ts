import type { SampleEvent } from '../experiment/definition.ts'
import type { UnitResult } from '../experiment/unit.ts'
import { leadingMetric } from '../results/course-choice.ts'
import type { CaseDescription } from '../results/data.ts'
import { quantile } from '../stats/quantile.ts'
import { dataTable } from './chart.ts'
import { formatValue, plural } from './format.ts'
import { html } from './markup.ts'
import type { Markup } from './markup.ts'
import { sampleTitle } from './wire-agreements.ts'

/** More would be a page of their own; a run of a thousand peers has as many. */
const SHOWN_PEERS = 12

/**
 * What each peer of one run measured of the case's leading metric, the worst first, so that a few who fare ill are seen behind a
 * good median. Undefined where fewer than two peers measured it. A failed sample counts as what it took to fail.
 */
export function peerTable ({ samples }: UnitResult, theCase: CaseDescription): Markup | undefined {
  const metric = leadingMetric(theCase)
  const byHost = Map.groupBy(samples.filter(({ metric: kind }) => kind === metric?.sample), ({ host }) => host)
  if (metric === undefined || byHost.size < 2) {
    return undefined
  }
  const unit = metric.statistic === 'failed-share' ? 'ms' : metric.unit
  const peers = [...byHost].map(([host, own]) => peerOf(host, own)).sort((a, b) => metric.better === 'lower' ? b.median - a.median : a.median - b.median)
  const more = peers.length - SHOWN_PEERS
  return html`<details><summary>Peers</summary><p>${sampleTitle(metric)}, of each peer; the worst median first.</p><div class="scroll" tabindex="0" role="group" aria-label="Peers">${dataTable(['peer', 'samples', 'failed', 'median', 'p90', 'least', 'greatest'], peers.slice(0, SHOWN_PEERS).map((peer) => [
    peer.host, peer.samples, peer.failed, ...[peer.median, peer.p90, peer.least, peer.greatest].map((value) => formatValue(value, unit))
  ]))}</div>${more > 0 ? html`<p>And ${plural(more, 'peer')} with better medians: <code>samples.parquet</code> has all.</p>` : undefined}</details>`
}

interface Peer {
  readonly host: string
  readonly samples: number
  readonly failed: number
  readonly median: number
  readonly p90: number
  readonly least: number
  readonly greatest: number
}

function peerOf (host: string, samples: readonly SampleEvent[]): Peer {
  const values = samples.map(({ value }) => value)
  return {
    host,
    samples: samples.length,
    failed: samples.filter(({ ok }) => !ok).length,
    median: quantile(values, 0.5),
    p90: quantile(values, 0.9),
    least: quantile(values, 0),
    greatest: quantile(values, 1)
  }
}
