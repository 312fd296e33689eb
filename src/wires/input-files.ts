import { constants } from 'node:fs'
import { open } from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { TwinwireError } from '../core/errors.ts'
import { nsToMs } from '../core/units.ts'
import { parseGml } from '../sim/gml.ts'
import type { GmlGraph } from '../sim/gml.ts'
import { parseGraph } from '../sim/graph-file.ts'
import type { Graph } from '../sim/graph.ts'
import { checkFileSize, readText } from '../sim/input-file.ts'
import { parseJitterSamples } from '../sim/jitter-file.ts'
import { parseLatencyMatrix } from '../sim/matrix.ts'
import type { LatencyMatrix, LatencyMatrixOptions } from '../sim/matrix.ts'
import { readRateTrace } from '../sim/rate-trace-file.ts'
import type { RateTrace } from '../sim/rate-trace.ts'

export type { LatencyMatrixOptions } from '../sim/matrix.ts'

/**
 * What scenarios take from files. Each reads at most `MAXIMUM_FILE_BYTES`, waits for nobody, and throws ERR_INVALID_FILE
 * with file:line:column, what was expected and what was found. An experiment reads with `await` at the top of its module,
 * `new URL('capacity.trace', import.meta.url)` naming a file beside it.
 */

/** A link's rate, in mahimahi's format: a `trace`. */
export async function traceFromFile (file: string | URL): Promise<RateTrace> {
  return await readFrom(file, readRateTrace)
}

/** Delays to draw from, a number of milliseconds a line: a `jitter`. */
export async function jitterFromFile (file: string | URL): Promise<{ readonly distribution: 'empirical', readonly samplesMs: number[] }> {
  const { samplesNs } = parseJitterSamples(...await textFrom(file))
  return { distribution: 'empirical', samplesMs: Array.from(samplesNs, nsToMs) }
}

/** Latencies between hosts, in CSV: of a `matrix`, or for `matrixPaths`. */
export async function matrixFromFile (file: string | URL, options: LatencyMatrixOptions): Promise<LatencyMatrix> {
  return parseLatencyMatrix(...await textFrom(file), options)
}

/** A list of edges: the `graph` of `edges`. */
export async function edgesFromFile (file: string | URL): Promise<Graph> {
  return parseGraph(...await textFrom(file))
}

/** A graph in GML with Shadow's attributes: the `graph` of `gml`. */
export async function gmlFromFile (file: string | URL): Promise<GmlGraph> {
  return parseGml(...await textFrom(file))
}

async function textFrom (file: string | URL): Promise<[text: string, fileName: string]> {
  return await readFrom(file, async (chunks, fileName) => [await readText(chunks, fileName), fileName])
}

async function readFrom<Result> (file: string | URL, read: (chunks: AsyncIterable<Uint8Array>, fileName: string) => Promise<Result>): Promise<Result> {
  const fileName = file instanceof URL ? fileURLToPath(file) : file
  await using handle = await opened(fileName)
  const kind = await handle.stat()
  if (!kind.isFile()) {
    throw new TwinwireError('ERR_INVALID_FILE', 'not a file', { path: fileName, expected: 'a regular file', found: kind.isDirectory() ? 'a directory' : 'something else' })
  }
  checkFileSize(kind.size, fileName)
  return await read(handle.createReadStream({ autoClose: false }) as AsyncIterable<Uint8Array>, fileName)
}

async function opened (fileName: string): Promise<FileHandle> {
  try {
    // Without this flag, opening a FIFO waits for somebody to write to it.
    return await open(fileName, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0))
  } catch (error) {
    throw new TwinwireError('ERR_INVALID_FILE', 'cannot open the file', {
      path: fileName, expected: 'a file that can be read', found: error instanceof Error && 'code' in error ? String(error.code) : 'an error', cause: error
    })
  }
}
