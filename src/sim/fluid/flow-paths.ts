import { TwinwireError } from '../../core/errors.ts'
import type { NodeId } from '../link.ts'
import type { TcpOptions } from '../tcp/options.ts'
import { checkFormula, flowPath } from './flow-path.ts'
import type { FlowPath } from './flow-path.ts'
import type { FluidFlow } from './fluid-flow.ts'
import type { FluidGraph } from './fluid-graph.ts'

/** What TCP can make of the ways between nodes, found when first asked for. */
export class FlowPaths {
  readonly #graph: FluidGraph
  readonly #tcp: Readonly<TcpOptions>
  readonly #known = new Map<string, FlowPath>()

  constructor (graph: FluidGraph, tcp: Readonly<TcpOptions>) {
    this.#graph = graph
    this.#tcp = tcp
  }

  /** @throws ERR_INVALID_OPTION for nodes without a way between them; ERR_UNSUPPORTED where there is no formula */
  between (from: NodeId, to: NodeId, congestion: TcpOptions['congestion']): FlowPath {
    const key = `${from}-${to}-${congestion}`
    let path = this.#known.get(key)
    if (path === undefined) {
      const forward = this.#graph.route(from, to)
      checkFormula(forward, { ...this.#tcp, congestion })
      path = flowPath(forward, this.#graph.route(to, from), { ...this.#tcp, congestion })
      this.#known.set(key, path)
    }
    return path
  }

  /** The graph is another one now. */
  forget (): void {
    this.#known.clear()
  }
}

/** @throws ERR_UNSUPPORTED where a flow of this controller cannot be next to those that there are, which go together */
export function checkMixture (congestion: TcpOptions['congestion'], flows: Iterable<FluidFlow>): void {
  const isBbr = congestion === 'bbr'
  for (const flow of flows) {
    if ((flow.congestion === 'bbr') !== isBbr) {
      throw new TwinwireError('ERR_UNSUPPORTED', 'the fluid level has no formula for BBR next to controllers that answer to loss', {
        path: 'congestion', expected: isBbr ? 'reno or cubic' : 'bbr', found: congestion
      })
    }
    return
  }
}
