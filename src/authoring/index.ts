/**
 * What an experiment is written with: the types of its definition, of what hosts are given and of scenarios, and what
 * roles do in most experiments. `twinwire init my-question` writes one that uses it.
 *
 * @module twinwire/experiment
 */

/** Zod, as twinwire has it: an experiment's parameters are an object of it. */
export * as z from 'zod'

// The definition.
export { MODULES } from '../experiment/definition.ts'
export type {
  AgreementThreshold, Arm, Case, Claim, Experiment, Factor, Metric, ModuleName, Precision, Repetitions, Statistic, Sweep, Threshold, Unit
} from '../experiment/definition.ts'

// What hosts are given.
export type { Host, MemoryMeter, Peer, ProcessMemory, Role, RunParameters, TrafficCount, WireName } from '../wires/wire.ts'

// Networks and what befalls them.
export type { AddressInput, CrossTraffic, Fault, PathDirectionInput, PathInput, Scenario, ScenarioInput, TopologyInput } from '../wires/scenario.ts'
export { edgesFromFile, gmlFromFile, jitterFromFile, matrixFromFile, traceFromFile } from '../wires/input-files.ts'
export type { LatencyMatrixOptions } from '../wires/input-files.ts'

// Hosts of one kind, arrivals and measurements.
export { hostNames } from '../workload/host-names.ts'
export { openLoop, poissonArrivals } from '../workload/arrivals.ts'
export { measure, recordSample } from '../workload/measure.ts'
export type { Observer, SampleEvent } from '../workload/measure.ts'
export { wireBytes } from '../workload/wire-bytes.ts'

// Asking and answering.
export { libp2pWith, modulesOfArm, networkWith, requesterWith } from '../workload/modules.ts'
export type { Askable, ModularArm, ModularHost } from '../workload/modules.ts'
export { keptStreams } from '../workload/kept-streams.ts'
export { dialEachTime, overNetwork, plainLibp2p } from '../workload/requester.ts'
export type { Requester, RequesterOptions } from '../workload/requester.ts'
export { REQUEST_REPLY_PROTOCOL, requestPayloads, serveRequestReply, serveRequestReplyOver } from '../workload/request-reply.ts'
export type { ServerOptions, Work } from '../workload/request-reply.ts'
export { servingNetwork, serveWith } from '../workload/serve.ts'
export type { ServingHost } from '../workload/serve.ts'

// Time, chance and errors.
export { sleep, timeoutSignal } from '../core/clock.ts'
export type { Clock, TimeoutSignal } from '../core/clock.ts'
export { TwinwireError } from '../core/errors.ts'
export type { RandomStream } from '../core/random.ts'
export type { RecordedEvent, Recorder } from '../core/recorder.ts'
