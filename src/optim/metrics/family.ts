import type { Histogram } from './histogram.ts'

/**
 * One metric as Prometheus and OpenMetrics understand it, with whatever labels it has. A network describes its metrics as one
 * list of these, of which there are two renderings: OpenMetrics' text, and libp2p's metrics.
 */
export type MetricFamily = ScalarFamily | LabelledFamily | HistogramFamily

/** What all kinds have. */
export interface NamedFamily {
  /** Snake case, in base units, ending in the unit where there is one: `twinwire_upload_bytes`. A counter's samples get `_total` behind it. */
  readonly name: string
  /** One line: what it counts. */
  readonly help: string
  /** A base unit: `seconds`, `bytes`, `ratio`. */
  readonly unit?: string
}

/** A level, or a count since the start that never falls. */
export type ScalarType = 'gauge' | 'counter'

/** A number. */
export interface ScalarFamily extends NamedFamily {
  readonly type: ScalarType
  /** Asked for when metrics are read. */
  readonly value: () => number
}

/** A number for each value of one label. */
export interface LabelledFamily extends NamedFamily {
  readonly type: ScalarType
  readonly label: string
  /** Asked for when metrics are read; no label value occurs twice, and there is a bound on how many there can be. */
  readonly samples: () => Iterable<readonly [label: string, value: number]>
}

/** A distribution. */
export interface HistogramFamily extends NamedFamily {
  readonly type: 'histogram'
  readonly histogram: Histogram
}
