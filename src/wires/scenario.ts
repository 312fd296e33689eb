import * as z from 'zod'
import { TwinwireError } from '../core/errors.ts'
import { parseOptions } from '../core/options.ts'
import { TCP_PRESETS, tcpOptions } from '../sim/tcp/options.ts'
import type { TcpOptions } from '../sim/tcp/options.ts'
import { scenarioProcessingSchema } from './host-processing.ts'
import { libp2pSchema } from './libp2p-options.ts'
import { duplexSchema, issue, rate } from './scenario-link.ts'
import { checkReferences } from './scenario-references.ts'
import { topologySchema } from './scenario-topology.ts'

/**
 * A network and what happens to it, in terms that every wire understands. The `sim` wire makes links of it, the `tcp`
 * wire a relay; where a wire cannot do a thing (a relay above TCP cannot lose packets) it refuses the scenario.
 */

/** Longer runs were meant in other units; the simulator's time ends after 104 days. */
const MAXIMUM_TIME_MS = 30 * 24 * 3600e3
/** An address is 10.x.y.z, with x and y for the host; 10.255 is for what is no host. */
const MAXIMUM_HOSTS = 65_280
const MAXIMUM_ADDRESSES = 254
const MAXIMUM_NAME = 200
const MAXIMUM_FAULTS = 100_000
const MAXIMUM_TRAFFIC = 1000
const MAXIMUM_FLOWS = 1000
/** A second: connections that find no room stay for minutes. */
const MAXIMUM_ARRIVALS = 1000

const hostName = z.string().max(MAXIMUM_NAME).regex(/^[a-z][a-z0-9-]*$/, 'a name of lower-case letters, digits and dashes')

const addressSchema = z.strictObject({
  /** `black-hole`: packets to it vanish. `refused`: nobody listens, dialling it is answered with a reset. */
  state: z.enum(['reachable', 'black-hole', 'refused']).default('reachable'),
  /** Only these hosts reach it: what others send vanishes, as at a NAT. It is no limit to whom its own host dials. Absent: all. */
  reachableFrom: z.array(hostName).min(1).optional()
})

const hostSchema = z.strictObject({
  name: hostName,
  /** Which of the experiment's roles it plays. */
  role: z.string(),
  /** On `tcp`, the process that it shares with all hosts that name the same. Absent: one of its own. Elsewhere it means nothing. */
  process: hostName.optional(),
  /** On `tcp`, whether its process is new: one that earlier runs used has grown by them. For what measures memory; a second more. Absent: no. */
  freshProcess: z.boolean().optional(),
  /** In the order in which others are told of them. */
  addresses: z.array(addressSchema).min(1).max(MAXIMUM_ADDRESSES).default([{ state: 'reachable' }]),
  /** Its place in the topology. Absent: the one with its name, or else the next that is free. */
  at: z.string().max(MAXIMUM_NAME).optional(),
  /** What computing takes at it. Absent: no time. */
  processing: scenarioProcessingSchema.optional(),
  /** How it does TCP: a preset (`linux`, the default, or `rfc`), and any option of `TcpOptions` that differs. */
  tcp: z.looseObject({ preset: z.enum(Object.keys(TCP_PRESETS) as [TcpPreset]).default('linux') }).optional(),
  /** How it does libp2p, where it does not as a peer without limits and without identify. */
  libp2p: libp2pSchema.optional()
})

const pathSchema = z.strictObject({ from: hostName, to: hostName, ...duplexSchema.shape })

/** A host, or another node of the topology. */
const nodeName = z.string().max(MAXIMUM_NAME)
const pair = { from: nodeName, to: nodeName }
const atMs = z.number().min(0).max(MAXIMUM_TIME_MS)
const durationMs = z.number().positive().max(MAXIMUM_TIME_MS)
/** Absent: until the end. */
const lasting = { atMs, durationMs: durationMs.optional() }
/** `forward`: it befalls only what goes from `from` to `to`. Absent: both ways. */
const direction = z.literal('forward').optional()

const faultSchema = z.discriminatedUnion('kind', [
  /**
   * Nothing passes. `existing` takes the connections open at `atMs` only (a NAT that forgot them, a peer that went away
   * without a word): new ones pass.
   */
  z.strictObject({ kind: z.literal('black-hole'), ...pair, direction, ...lasting, scope: z.enum(['existing', 'all']) }),
  /** Nothing passes, nothing is lost; all goes on when it ends. */
  z.strictObject({ kind: z.literal('stall'), ...pair, direction, atMs, durationMs }),
  /** The cable is cut: what is on its way is lost, too. */
  z.strictObject({ kind: z.literal('down'), ...pair, direction, ...lasting }),
  /** The rate from here on, in place of a trace, too. */
  z.strictObject({ kind: z.literal('rate'), ...pair, direction, atMs, rateBitsPerSecond: rate }),
  /** Every open connection between two hosts is reset at both ends. */
  z.strictObject({ kind: z.literal('reset'), ...pair, atMs }),
  /** `nodes` are cut off from all others: nothing passes between the two parts. */
  z.strictObject({ kind: z.literal('partition'), nodes: z.array(nodeName).min(1), ...lasting }),
  /**
   * The host's program does nothing, as where its event loop is blocked. TCP in its kernel goes on: it acknowledges what
   * arrives, and makes connections. Afterwards timers that came due are first, then what arrived.
   */
  z.strictObject({ kind: z.literal('freeze'), host: hostName, atMs, durationMs })
])

const trafficFields = {
  ...pair,
  atMs: atMs.default(0),
  /** Absent: until the end. */
  durationMs: durationMs.optional()
}

const datagramFields = {
  ...trafficFields,
  /** In the mean; of `on-off` while it is on. */
  rateBitsPerSecond: rate.min(1),
  packetBytes: z.int().min(64).max(65_535).default(1500)
}

const shape = z.number().gt(1).max(1e6).optional()

/** What takes its share of all links on the way from `from` to `to`: datagrams, which answer to nothing, and TCP. */
const trafficSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('poisson'), ...datagramFields }),
  /** Bursts and silences of exponential length, or Pareto's with a `shape` above 1. */
  z.strictObject({ kind: z.literal('on-off'), ...datagramFields, meanOnMs: durationMs, meanOffMs: durationMs, shape }).check(({ value, issues }) => {
    const packetMs = value.packetBytes * 8e3 / value.rateBitsPerSecond
    if (value.meanOnMs < packetMs / 1e3) {
      issues.push(issue(['meanOnMs'], `at least a thousandth of what a packet takes at this rate (${packetMs} ms)`, value.meanOnMs))
    }
  }),
  /** Connections that always have more to send, each started `staggerMs` after the one before. */
  z.strictObject({ kind: z.literal('bulk-tcp'), ...trafficFields, flows: z.int().positive().max(MAXIMUM_FLOWS).default(1), staggerMs: atMs.default(0) }),
  /** Transfers that begin as a Poisson process, all of `meanBytes`, or Pareto's with a `shape` above 1. */
  z.strictObject({ kind: z.literal('tcp-transfers'), ...trafficFields, arrivalsPerSecond: z.number().min(1e-6).max(MAXIMUM_ARRIVALS), meanBytes: z.number().min(1).max(1e12), shape })
])

export const scenarioSchema = z.strictObject({
  hosts: z.array(hostSchema).min(1).max(MAXIMUM_HOSTS),
  /** At most one a pair of hosts; hosts without one cannot reach each other. Hosts do not forward. */
  paths: z.array(pathSchema).default([]),
  /** What joins the hosts, instead of paths. */
  topology: topologySchema.optional(),
  faults: z.array(faultSchema).max(MAXIMUM_FAULTS).default([]),
  crossTraffic: z.array(trafficSchema).max(MAXIMUM_TRAFFIC).default([]),
  /** The run is ended, and counts as failed, when its roles have not returned by then. */
  limitMs: durationMs
})

type TcpPreset = keyof typeof TCP_PRESETS

export type { PathDirection, PathDirectionInput } from './scenario-link.ts'
export type { TopologyInput } from './scenario-topology.ts'
/** An address that a host is known by, or that only seems to be one. */
export type AddressInput = z.input<typeof addressSchema>
export type AddressDescription = z.infer<typeof addressSchema>
export type AddressState = AddressDescription['state']
export type HostDescription = z.infer<typeof hostSchema>
/** What lies between two hosts or nodes: rates, delays, queues and losses, both ways. */
export type PathInput = z.input<typeof pathSchema>
export type PathDescription = z.infer<typeof pathSchema>
/** What befalls a network or host, and when. */
export type Fault = z.infer<typeof faultSchema>
/** What else is on the network's links. */
export type CrossTraffic = z.infer<typeof trafficSchema>
/** A scenario with every default filled in. */
export type Scenario = z.infer<typeof scenarioSchema>
/** The hosts of a run, the network between them, and what befalls both. */
export type ScenarioInput = z.input<typeof scenarioSchema>

/**
 * Checks a scenario and fills in what was left out.
 *
 * @throws ERR_INVALID_OPTION, ERR_UNKNOWN_OPTION or ERR_UNKNOWN_HOST with the path of the first thing that is wrong
 */
export function parseScenario (input: ScenarioInput): Scenario {
  const scenario = parseOptions(scenarioSchema, input, 'scenario')
  checkReferences(scenario)
  checkTcp(scenario)
  return scenario
}

/** What two ends would agree on in the handshake, if that were modelled. */
const ALIKE = ['sack', 'mssBytes'] as const satisfies ReadonlyArray<keyof TcpOptions>

function checkTcp ({ hosts }: Scenario): void {
  const [first, ...others] = hosts.map((host, index) => tcpOptions(hostTcpOptions(host), `scenario.hosts[${index}].tcp`))
  others.forEach((options, index) => {
    const name = ALIKE.find(name => options[name] !== first[name])
    if (name !== undefined) {
      throw new TwinwireError('ERR_INVALID_OPTION', 'hosts do not agree on it: connections do not negotiate it', {
        path: `scenario.hosts[${index + 1}].tcp.${name}`, expected: `${first[name]}, as the first host has it`, found: String(options[name])
      })
    }
  })
}

/** The options of a host's TCP. */
export function hostTcpOptions ({ tcp }: HostDescription): Partial<TcpOptions> {
  const { preset = 'linux', ...others } = tcp ?? {}
  return { ...TCP_PRESETS[preset], ...others }
}
