import * as z from 'zod'
import type { Experiment } from '../experiment/definition.ts'
import { loadExperiment } from '../experiment/registry.ts'
import type { CliContext } from './context.ts'
import { experimentFolders } from './experiment-folders.ts'
import type { FolderOptions } from './experiment-folders.ts'

/** The command `schema`. */
export async function schema (context: CliContext, name: string, options: FolderOptions): Promise<void> {
  const { experiment } = await loadExperiment(name, await experimentFolders(context, options))
  context.stdout.write(`${JSON.stringify(parametersSchema(experiment), undefined, 2)}\n`)
}

/**
 * A JSON Schema (draft 2020-12) of an experiment's parameters, for the editor in which somebody writes a file for
 * `--parameters`. The file may name its schema.
 */
function parametersSchema ({ name, title, parameters }: Experiment): Record<string, unknown> {
  const { $schema, type, properties, ...others } = z.toJSONSchema(parameters.strict(), { io: 'input', target: 'draft-2020-12' })
  return {
    $schema,
    title: `Parameters of ${name}`,
    description: title,
    type,
    properties: { $schema: { type: 'string', description: 'Where this schema lies, for editors' }, ...properties },
    ...others
  }
}
