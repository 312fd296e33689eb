import { parentPort, workerData } from 'node:worker_threads'
import { randomStream } from '../../core/random.ts'
import { RunTrace } from '../run-trace.ts'
import { VirtualRun } from '../virtual-run.ts'
import { NativeWork } from './native-work.ts'
import type { StackTask } from '../stack.ts'
import { installVirtualGlobals } from './virtual-globals.ts'

// The thread of its own that a run has: it lives in virtual time from its beginning to its end.

const { rolesModule, options, ...request } = workerData as StackTask
const interruption = new AbortController()
parentPort?.once('message', () => interruption.abort())

const turn = setImmediate
const work = new NativeWork()
const trace = new RunTrace(request.eventLog, work)
const { kernel } = trace
installVirtualGlobals({ kernel, work, random: randomStream(request.seed).fork('ambient') })

// Only now, for libp2p keeps what timers it finds when it is loaded.
const { StackPeers } = await import('./stack-peers.ts')
const run = new VirtualRun({ ...request, rolesModule: new URL(rolesModule), signal: interruption.signal }, trace, network => new StackPeers(trace, network, request.seed, options))
const outcome = await run.outcome()
// What was rejected as the run ended is this run's failure: Node tells of it before the next turn, and ends the thread.
await new Promise(resolve => turn(resolve))
parentPort?.postMessage(outcome)
parentPort?.close()
