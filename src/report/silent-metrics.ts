import type { CaseDescription, ResultsData } from '../results/data.ts'
import type { Analysis } from './analysis.ts'
import type { Finding } from './findings.ts'
import { lowerFirst } from './sentences.ts'
import { goodUnits } from './series.ts'
import { WIRE_PLACES } from './wire-words.ts'

/**
 * Metrics of which runs that ended well recorded nothing, a sentence each: of no arm on any wire, or of some arms where others
 * have it. What a wire cannot record (memory in simulation) is not among them.
 */
export function silentMetrics (results: ResultsData, { findings }: Pick<Analysis, 'findings'>): string[] {
  return [...Map.groupBy(findings, ({ case: { name }, metric }) => JSON.stringify([name, metric.sample])).values()].flatMap(([first, ...others]) => {
    const own = [first, ...others]
    const subject = `${first.case.title}: ${lowerFirst(first.metric.title)}`
    return own.every(({ arms }) => arms.length === 0)
      ? own.some(({ wire, case: theCase }) => ranWell(results, wire, theCase).length > 0) ? [`${subject}, of no arm`] : []
      : byWire(own).flatMap(({ wire, case: theCase, arms }) => {
        const silent = arms.length === 0 ? [] : ranWell(results, wire, theCase).filter(({ name }) => !arms.some(({ arm }) => arm.name === name))
        return silent.length === 0 ? [] : [`${subject}, of ${silent.map(({ title }) => title).join(', ')} ${WIRE_PLACES[wire]}`]
      })
  })
}

/** Metrics of one kind of sample are silent together. */
function byWire (findings: readonly Finding[]): Finding[] {
  return [...Map.groupBy(findings, ({ wire }) => wire).values()].map(([one]) => one)
}

function ranWell (results: ResultsData, wire: Finding['wire'], { name }: CaseDescription): ResultsData['run']['experiment']['arms'] {
  return results.run.experiment.arms.filter(arm => goodUnits(results, wire, name, arm.name).length > 0)
}
