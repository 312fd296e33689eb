import type { LatencyMatrix } from '../sim/matrix.ts'
import type { PathDirectionInput, PathInput } from './scenario.ts'

/**
 * A path between every two hosts of a latency matrix (`parseLatencyMatrix` reads one), with what else all paths have in
 * common. The matrix may be asymmetric; its names become host names.
 */
export function matrixPaths ({ names, oneWayMs }: LatencyMatrix, common: Omit<PathDirectionInput, 'delayMs'> = {}): PathInput[] {
  return names.flatMap((from, i) => names.slice(i + 1).map((to, offset) => {
    const j = i + 1 + offset
    return { from, to, forward: { ...common, delayMs: oneWayMs[i][j] }, backward: { ...common, delayMs: oneWayMs[j][i] } }
  }))
}
