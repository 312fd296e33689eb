import { TwinwireError } from '../../core/errors.ts'
import type { FluidLink } from './fluid-graph.ts'

/** Payload since the start. `offered = delivered + left + failed`. */
export interface FluidCounters {
  readonly offeredBytes: number
  /** Served by the narrowest link of their way. */
  readonly deliveredBytes: number
  /** Of flows that have not ended. */
  readonly leftBytes: number
  /** Of flows that could not connect. */
  readonly failedBytes: number
}

/** What rounding may make of sums of many rates. */
const ROUNDING = 1e-6

/** @throws ERR_CONSERVATION where bytes have appeared or vanished */
export function checkBytes ({ offeredBytes, deliveredBytes, leftBytes, failedBytes }: FluidCounters): void {
  const found = deliveredBytes + leftBytes + failedBytes
  if (Math.abs(found - offeredBytes) > ROUNDING * offeredBytes) {
    throw new TwinwireError('ERR_CONSERVATION', 'the network has not kept its bytes', { expected: `offered ${offeredBytes}`, found: `delivered + left + failed ${found}` })
  }
}

/** @throws ERR_CONSERVATION where a link carries more than it can; loads are those of the links, in their order */
export function checkLoads (loads: readonly number[], links: readonly FluidLink[]): void {
  loads.forEach((load, id) => {
    const { rateBitsPerSecond } = links[id]
    if (load > rateBitsPerSecond * (1 + ROUNDING)) {
      throw new TwinwireError('ERR_CONSERVATION', 'a link carries more than it can', { path: `link:${id}`, expected: `at most ${rateBitsPerSecond}`, found: String(load) })
    }
  })
}
