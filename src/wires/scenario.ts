import * as z from 'zod'
import { show, TwinwireError } from '../core/errors.ts'
import { parseOptions } from '../core/options.ts'

/**
 * A network and what happens to it, in terms that every wire understands. The `sim` wire makes links of it, the `tcp`
 * wire a relay; where a wire cannot do a thing (a relay above TCP cannot lose packets) it refuses the scenario.
 */

const probability = z.number().min(0).max(1)
const positive = z.number().positive()
const nonNegative = z.number().min(0)

/** Loss after queue and serialiser. Gilbert-Elliott as in netem: per packet, good to bad `p`, bad to good `r`. */
const lossSchema = z.discriminatedUnion('model', [
  z.strictObject({ model: z.literal('bernoulli'), probability }),
  z.strictObject({ model: z.literal('gilbert-elliott'), p: probability, r: probability, lossGood: probability, lossBad: probability })
])

/** A drop-tail queue's limit on what waits; the packet in service is not counted. */
const queueSchema = z.union([
  z.strictObject({ limitBytes: positive }),
  z.strictObject({ limitPackets: z.int().positive() })
])

const directionSchema = z.strictObject({
  /** Serialisation rate, counted in IP bytes. Absent: infinitely fast. */
  rateBitsPerSecond: positive.optional(),
  /** One-way propagation delay. */
  delayMs: nonNegative,
  /** Uniform extra delay in [0, jitterMs); order is preserved. */
  jitterMs: nonNegative.default(0),
  loss: lossSchema.optional(),
  /** Absent: no limit. */
  queue: queueSchema.optional()
})

const hostName = z.string().regex(/^[a-z][a-z0-9-]*$/, 'a name of lower-case letters, digits and dashes')

const addressSchema = z.strictObject({
  /** `black-hole`: packets to it vanish. `refused`: nobody listens, dialling it is answered with a reset. */
  state: z.enum(['reachable', 'black-hole', 'refused']).default('reachable')
})

const hostSchema = z.strictObject({
  name: hostName,
  /** Which of the experiment's roles it plays. */
  role: z.string(),
  /** In the order in which others are told of them. */
  addresses: z.array(addressSchema).min(1).default([{ state: 'reachable' }])
})

const pathSchema = z.strictObject({
  from: hostName,
  to: hostName,
  forward: directionSchema,
  /** Absent: like `forward`. */
  backward: directionSchema.optional()
})

const pair = { from: hostName, to: hostName }
const atMs = nonNegative
const durationMs = positive

const faultSchema = z.discriminatedUnion('kind', [
  /**
   * Nothing passes either way. `existing` takes the connections open at `atMs` only (a NAT that forgot them, a peer that
   * went away without a word): new ones pass. Without a duration it stays.
   */
  z.strictObject({ kind: z.literal('black-hole'), ...pair, atMs, durationMs: durationMs.optional(), scope: z.enum(['existing', 'all']) }),
  /** Nothing passes, nothing is lost; all goes on when it ends. */
  z.strictObject({ kind: z.literal('stall'), ...pair, atMs, durationMs }),
  /** Every open connection between the two is reset at both ends. */
  z.strictObject({ kind: z.literal('reset'), ...pair, atMs }),
  /** The rate of both directions from here on. */
  z.strictObject({ kind: z.literal('rate'), ...pair, atMs, rateBitsPerSecond: positive })
])

const scenarioSchema = z.strictObject({
  hosts: z.array(hostSchema).min(1),
  /** At most one a pair of hosts; hosts without one cannot reach each other. */
  paths: z.array(pathSchema),
  faults: z.array(faultSchema).default([]),
  /** The run is ended, and counts as failed, when its roles have not returned by then. */
  limitMs: positive
})

export type Loss = z.infer<typeof lossSchema>
export type QueueLimit = z.infer<typeof queueSchema>
export type PathDirection = z.infer<typeof directionSchema>
export type PathDirectionInput = z.input<typeof directionSchema>
export type AddressInput = z.input<typeof addressSchema>
export type AddressState = z.infer<typeof addressSchema>['state']
export type HostDescription = z.infer<typeof hostSchema>
export type PathInput = z.input<typeof pathSchema>
export type PathDescription = z.infer<typeof pathSchema>
export type Fault = z.infer<typeof faultSchema>
export type Scenario = z.infer<typeof scenarioSchema>
export type ScenarioInput = z.input<typeof scenarioSchema>

/**
 * Checks a scenario and fills in what was left out.
 *
 * @throws ERR_INVALID_OPTION, ERR_UNKNOWN_OPTION or ERR_UNKNOWN_HOST with the path of the first thing that is wrong
 */
export function parseScenario (input: ScenarioInput): Scenario {
  const scenario = parseOptions(scenarioSchema, input, 'scenario')
  checkReferences(scenario)
  return scenario
}

function checkReferences ({ hosts, paths, faults }: Scenario): void {
  const names = new Set<string>()
  hosts.forEach(({ name }, index) => {
    if (names.has(name)) {
      throw new TwinwireError('ERR_INVALID_OPTION', 'two hosts have one name', { path: `scenario.hosts[${index}].name`, found: show(name) })
    }
    names.add(name)
  })
  const pairs = new Set<string>()
  const check = (kind: string, index: number, from: string, to: string): void => {
    for (const [end, name] of [['from', from], ['to', to]]) {
      if (!names.has(name)) {
        throw new TwinwireError('ERR_UNKNOWN_HOST', 'no such host', {
          path: `scenario.${kind}[${index}].${end}`, expected: `one of ${[...names].join(', ')}`, found: show(name)
        })
      }
    }
    if (from === to) {
      throw new TwinwireError('ERR_INVALID_OPTION', 'two different hosts are needed', { path: `scenario.${kind}[${index}]`, found: show(from) })
    }
  }
  paths.forEach(({ from, to }, index) => {
    check('paths', index, from, to)
    const key = pairKey(from, to)
    if (pairs.has(key)) {
      throw new TwinwireError('ERR_INVALID_OPTION', 'two paths join one pair of hosts', { path: `scenario.paths[${index}]`, found: `${from} and ${to}` })
    }
    pairs.add(key)
  })
  faults.forEach(({ from, to }, index) => {
    check('faults', index, from, to)
    if (!pairs.has(pairKey(from, to))) {
      throw new TwinwireError('ERR_INVALID_OPTION', 'no path joins these hosts', { path: `scenario.faults[${index}]`, found: `${from} and ${to}` })
    }
  })
}

/** The same for both orders of two host names. */
export function pairKey (a: string, b: string): string {
  return a < b ? `${a} ${b}` : `${b} ${a}`
}
