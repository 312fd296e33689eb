import type { SummaryData } from '../src/report/summary-data.ts'

/** Documents that say what was published, with figures that are typed by hand. */
export const DOCUMENTS_OF_THE_ROOT = [
  'docs/validation.md', 'docs/runs.md', 'docs/decisions/0021-what-is-published.md', 'docs/modules.md',
  'docs/experiments/bandwidth-efficiency.md', 'docs/experiments/concurrent-connections.md', 'docs/experiments/failed-requests.md'
] as const

/** The root seed of `npm run experiments`, undefined where the script names none. */
export function rootOf ({ scripts }: { readonly scripts: Readonly<Record<string, string>> }): string | undefined {
  return / --seed (\S+)/.exec(scripts.experiments ?? '')?.[1]
}

/** A problem for each experiment that was published with another root, and for each document that does not name the root. */
export function otherRoots ({ experiments }: { readonly experiments: ReadonlyArray<Pick<SummaryData['experiments'][number], 'name' | 'command'>> }, root: string | undefined, documents: ReadonlyMap<string, string>): string[] {
  if (root === undefined) {
    return ['package.json: the script experiments names no --seed']
  }
  return [
    ...experiments.filter(({ command }) => !`${command} `.includes(` --seed ${root} `)).map(({ name, command }) => `${name} was published with another root: expected --seed ${root}; found ${command}`),
    ...[...documents].filter(([, text]) => !text.includes(`\`${root}\``)).map(([file]) => `${file} does not name the published root: expected \`${root}\``)
  ]
}
