import type { Command } from 'commander'
import { show, TwinwireError } from '../core/errors.ts'
import type { Link } from '../sim/link.ts'
import type { PacketNetwork } from '../sim/network.ts'
import type { ByteSink } from '../sim/observe/byte-sink.ts'
import { FlowCounters } from '../sim/observe/flow-counters.ts'
import { flowTable } from '../sim/observe/flow-table.ts'
import type { NodeLabels } from '../sim/observe/nodes.ts'
import type { NetworkObserver } from '../sim/observe/observer.ts'
import { PacketCapture } from '../sim/observe/packet-capture.ts'
import { ProbeTable } from '../sim/observe/probe-table.ts'
import { Timeline } from '../sim/observe/timeline.ts'
import type { TcpSocket } from '../sim/tcp/socket.ts'
import { FILE_NAME, textOf } from './options.ts'
import { OutputFile, realPlace } from './output-file.ts'

/** What commander gives for the options that write traces: names of files. */
export interface TraceFlags {
  readonly pcap?: string
  readonly perfetto?: string
  readonly probe?: string
  readonly flows?: string
}

/** What is to be traced. */
export interface Traced {
  readonly network: PacketNetwork
  readonly labels: NodeLabels
  /** The link whose queue a socket's samples show. */
  readonly linkOf: (socket: TcpSocket) => Link | undefined
}

/** Names of files by the option that gave them. */
export type NamedFiles = Readonly<Record<string, string>>

type Tracer = NetworkObserver & { finish(): void }

const TRACERS: Readonly<Record<keyof TraceFlags, (traced: Traced, sink: ByteSink) => Tracer>> = {
  pcap: ({ network, labels }, sink) => new PacketCapture(network, sink, { labels }),
  perfetto: ({ network, labels }, sink) => new Timeline(network, sink, labels),
  probe: ({ network, linkOf }, sink) => new ProbeTable(network, sink, { linkOf }),
  flows: ({ network, labels }, sink) => {
    const counters = new FlowCounters(network)
    return Object.assign(counters, { finish: () => sink(new TextEncoder().encode(flowTable(counters.flows, labels))) })
  }
}

/** The traces that a command is to write of one simulation. */
export class TraceFiles {
  readonly #files = new Map<keyof TraceFlags, OutputFile>()
  #tracers: Tracer[] = []

  /**
   * @param inputs names of files that the command reads, by option
   * @throws ERR_INVALID_OPTION where one cannot be written, or is another or an input under whatever name
   */
  constructor (workingDirectory: string, flags: TraceFlags, inputs: NamedFiles = {}) {
    const given = (Object.keys(TRACERS) as Array<keyof TraceFlags>).flatMap(flag => {
      const name = flags[flag]
      return name === undefined ? [] : [{ flag, name }]
    })
    const outputs = Object.fromEntries(given.map(({ flag, name }) => [`--${flag}`, name]))
    try {
      for (const { flag, name } of given) {
        checkDistinct(`--${flag}`, workingDirectory, name, { ...inputs, ...outputs })
        this.#files.set(flag, new OutputFile(`--${flag}`, workingDirectory, name))
      }
    } catch (error) {
      this.discard()
      throw error
    }
  }

  get count (): number {
    return this.#files.size
  }

  /** Looks on from now on. */
  observe (traced: Traced): void {
    this.#tracers = [...this.#files].map(([flag, file]) => TRACERS[flag](traced, chunk => file.write(chunk)))
    this.#tracers.forEach(tracer => traced.network.observers.add(tracer))
  }

  /** The simulation is over: the files are completed and put in their places. */
  commit (): void {
    this.#tracers.forEach(tracer => tracer.finish())
    this.#files.forEach(file => file.commit())
  }

  /** No file that was not committed is left. */
  discard (): void {
    this.#files.forEach(file => file.discard())
  }
}

function checkDistinct (option: string, workingDirectory: string, name: string, files: NamedFiles): void {
  const place = realPlace(workingDirectory, name)
  const other = Object.entries(files).find(([other, file]) => other !== option && realPlace(workingDirectory, file) === place)
  if (other !== undefined) {
    throw new TwinwireError('ERR_INVALID_OPTION', 'two options cannot name one file', { path: option, expected: `another file than that of ${other[0]}`, found: show(name) })
  }
}

export function withTraceOptions (command: Command): Command {
  return command
    .option('--pcap <file>', 'packets for Wireshark, each connection as captured at the host that began it (pcapng)', textOf('--pcap', FILE_NAME))
    .option('--perfetto <file>', 'timeline for ui.perfetto.dev: connections, their phases, windows, queues, drops (JSON)', textOf('--perfetto', FILE_NAME))
    .option('--probe <file>', "windows, round trips and queues every 10 ms, with the kernel measurements' names (CSV)", textOf('--probe', FILE_NAME))
    .option('--flows <file>', 'what became of the packets of each direction of each connection (CSV)', textOf('--flows', FILE_NAME))
}
