import { definitionHash } from '../src/experiment/definition-hash.ts'
import { experimentNames, loadExperiment } from '../src/experiment/registry.ts'
import type { SummaryData } from '../src/report/summary-data.ts'

type Published = { readonly experiments: ReadonlyArray<Pick<SummaryData['experiments'][number], 'name' | 'definition'>> }

/** The hashes of the checkout's definitions of what was published, by name; what the checkout lacks is left out. */
export async function currentDefinitions ({ experiments }: Published): Promise<Map<string, string>> {
  const names = (await experimentNames()).filter(name => experiments.some(one => one.name === name))
  return new Map(await Promise.all(names.map(async (name): Promise<[string, string]> => [name, definitionHash((await loadExperiment(name)).experiment)])))
}

/** A problem for each published experiment whose report is not of its current definition. */
export function otherDefinitions ({ experiments }: Published, current: ReadonlyMap<string, string>): string[] {
  return experiments.flatMap(({ name, definition }) => {
    const wanted = current.get(name)
    if (wanted === undefined) {
      return [`${name} is published, and no experiment of this checkout`]
    }
    return definition === wanted
      ? []
      : [`the report of ${name} is of ${definition === undefined ? 'an unknown definition' : 'another definition'}: expected ${wanted.slice(0, 12)}; found ${definition?.slice(0, 12) ?? 'none'}`]
  })
}
