/** Another simulator's rate on the same case, from the throughput of its median run. */
export interface Peer {
  readonly name: string
  /** Packets, or where the case has none events, a second of CPU. */
  readonly perCpuSecond: number
}

/** ns-3 3.37, its sources built with -O3 and without asserts. */
export const NS3 = 'ns-3.37 optimised'

/** One case, to be set beside another simulator's figures. */
export interface Measurement {
  readonly name: string
  readonly parameters: Readonly<Record<string, number | string>>
  /** User CPU of the median repetition: code that is compiled while it runs makes the first one slow. */
  readonly cpuSeconds: number
  /** Of each repetition in one process, in order: one that slows down (call sites gone megamorphic) is seen. */
  readonly repetitionsCpuSeconds: readonly number[]
  readonly events: number
  readonly packets?: number
  /** The process's highest resident size, earlier cases included, after the first repetition: one simulation's. */
  readonly peakResidentBytes: number
  /** What was simulated: the same for the same parameters. */
  readonly result: Readonly<Record<string, number | string>>
  readonly peer?: Peer
}

/** One repetition. */
export interface Repetition {
  readonly cpuSeconds: number
  readonly events: number
  readonly packets?: number
  readonly result: Measurement['result']
}

/** Repeats a case in this process. */
export function repeat (
  name: string, parameters: Measurement['parameters'], repetitions: number, run: (repetition: number) => Repetition, peer?: Peer
): Measurement {
  let peakResidentBytes = 0
  const all = Array.from({ length: repetitions }, (_, index) => {
    const repetition = run(index + 1)
    peakResidentBytes ||= process.resourceUsage().maxRSS * 1024
    return repetition
  })
  const repetitionsCpuSeconds = all.map(({ cpuSeconds }) => cpuSeconds)
  const { events, packets, result } = all[repetitions - 1]
  return {
    name,
    parameters,
    cpuSeconds: repetitionsCpuSeconds.toSorted((a, b) => a - b)[Math.floor(repetitions / 2)],
    repetitionsCpuSeconds,
    events,
    ...(packets === undefined ? {} : { packets }),
    peakResidentBytes,
    result,
    ...(peer === undefined ? {} : { peer })
  }
}

/** User CPU that `work` takes, in seconds. */
export function userSeconds (work: () => void): number {
  const before = process.cpuUsage()
  work()
  return process.cpuUsage(before).user / 1e6
}

/** Prints the case: as a line of JSON with `--json`, else as a line to be read. */
export function print (measurement: Measurement): void {
  console.log(process.argv.includes('--json') ? JSON.stringify(withRates(measurement)) : line(measurement))
}

function withRates (measurement: Measurement): object {
  const { cpuSeconds, events, packets, peer } = measurement
  return {
    ...measurement,
    eventsPerCpuSecond: Math.round(events / cpuSeconds),
    ...(packets === undefined ? {} : { packetsPerCpuSecond: Math.round(packets / cpuSeconds) }),
    ...(peer === undefined ? {} : { ratio: ratioTo(peer, measurement) })
  }
}

function line (measurement: Measurement): string {
  const { name, parameters, cpuSeconds, repetitionsCpuSeconds, events, packets, peakResidentBytes, result, peer } = measurement
  return [
    [name, ...pairs(parameters)].join(' '),
    `${cpuSeconds.toFixed(3)} s CPU (first ${repetitionsCpuSeconds[0].toFixed(3)}, last ${repetitionsCpuSeconds[repetitionsCpuSeconds.length - 1].toFixed(3)})`,
    ...(packets === undefined ? [] : [`${packets} packets, ${millions(packets / cpuSeconds)} M/s`]),
    `${events} events, ${millions(events / cpuSeconds)} M/s`,
    `peak ${(peakResidentBytes / 1e6).toFixed(0)} MB`,
    ...(peer === undefined ? [] : [`${ratioTo(peer, measurement).toFixed(1)} x ${peer.name} (${millions(peer.perCpuSecond)} M/s)`]),
    pairs(result).join(' ')
  ].join('; ')
}

function ratioTo ({ perCpuSecond }: Peer, { cpuSeconds, events, packets }: Measurement): number {
  return (packets ?? events) / cpuSeconds / perCpuSecond
}

function pairs (values: Readonly<Record<string, number | string>>): string[] {
  return Object.entries(values).map(([key, value]) => `${key} ${typeof value === 'number' ? Number(value.toPrecision(7)) : value}`)
}

function millions (perSecond: number): string {
  return (perSecond / 1e6).toPrecision(3)
}
