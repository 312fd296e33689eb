/** One figure at both levels. */
export interface Figure {
  readonly group: string
  readonly label: string
  readonly packet: number
  readonly fluid: number
  /** Of all runs behind the figure, user time; nothing where another figure of the same runs has it. */
  readonly packetCpuS: number
  readonly fluidCpuS: number
}

export interface BothLevels<Result> {
  /** The figures after the first carry no cost, so that a sum over all is right. */
  figure(group: string, label: string, value: (result: Result) => number): Figure
}

/** Runs both levels, with the processor time of each. */
export async function compareBothLevels<Result> (runPackets: () => Promise<Result> | Result, runFluid: () => Promise<Result> | Result): Promise<BothLevels<Result>> {
  const packet = await timed(runPackets)
  const fluid = await timed(runFluid)
  let [packetCpuS, fluidCpuS] = [packet.cpuS, fluid.cpuS]
  return {
    figure (group, label, value) {
      const figure = { group, label, packet: value(packet.result), fluid: value(fluid.result), packetCpuS, fluidCpuS }
      packetCpuS = 0
      fluidCpuS = 0
      return figure
    }
  }
}

async function timed<Result> (run: () => Promise<Result> | Result): Promise<{ readonly result: Result, readonly cpuS: number }> {
  const before = process.cpuUsage()
  const result = await run()
  return { result, cpuS: process.cpuUsage(before).user / 1e6 }
}
