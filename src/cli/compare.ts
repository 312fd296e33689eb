import { appendFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import type { Command } from 'commander'
import { Option } from 'commander'
import { errorCode, show, TwinwireError } from '../core/errors.ts'
import type { ComparedRuns } from '../report/compare.ts'
import { plural } from '../report/format.ts'
import { compareMarkdown } from './compare-markdown.ts'
import { compareOutput } from './compare-output.ts'
import { describeChanges } from './compare-text.ts'
import type { CliContext } from './context.ts'
import { ExitCode, FILE_NAME, textOf } from './options.ts'
import { fromHere } from './report.ts'

/** What makes the exit code 1. `inconclusive`: a regression, and a change of which too little is known. */
const FAIL_ON = ['regressed', 'inconclusive', 'never'] as const

export interface CompareOptions {
  readonly json: boolean
  readonly markdown?: string
  readonly failOn: typeof FAIL_ON[number]
}

/** As GitHub Actions calls the file that a step's summary is appended to. */
const SUMMARY_VARIABLE = 'GITHUB_STEP_SUMMARY'

/**
 * The command `compare`: how the results of one folder differ from those of another.
 *
 * @returns the process's exit code
 * @throws ERR_RESULTS_INCOMPLETE, ERR_INVALID_FILE for a folder that does not hold whole results of this version's schema
 * @throws ERR_INVALID_OPTION where the two have nothing in common, or the summary cannot be written
 */
export async function compare (context: CliContext, before: string, after: string, options: CompareOptions): Promise<number> {
  const { stdout, stderr, workingDirectory } = context
  const [{ readResults }, { compareResults, hasRegressed }] = await Promise.all([import('../results/files.ts'), import('../report/compare.ts')])
  const [resultsBefore, resultsAfter] = await Promise.all([before, after].map(async folder => await readResults(resolve(workingDirectory, folder))))
  const compared = compareResults(resultsBefore, resultsAfter)
  for (const [folder, { holes }] of [[before, compared.before], [after, compared.after]] as const) {
    if (holes > 0) {
      stderr.write(`warning: ${folder} is partial: ${plural(holes, 'run')} without a result\n`)
    }
  }
  const regressed = hasRegressed(compared)
  const exitCode = isFailure(compared, regressed, options.failOn) ? ExitCode.failed : ExitCode.ok
  const folders = { before, after }
  await appendSummary(context, options, compareMarkdown(compared, folders))
  stdout.write(options.json
    ? `${JSON.stringify(compareOutput(compared, folders, { regressed, exitCode }), undefined, 2)}\n`
    : describeChanges(compared, folders, stdout))
  return exitCode
}

export function addCompareCommand (program: Command, context: CliContext, finish: (exitCode: number) => void): void {
  program.command('compare')
    .argument('<before>', 'a folder that a run left')
    .argument('<after>', 'another one: of another version, or of other parameters')
    .description('states what changed between two results, with intervals and verdicts')
    .option('--json', 'the comparison as one JSON object on stdout', false)
    .option('--markdown <file>', `appends a summary in GitHub's Markdown (default: the file that ${SUMMARY_VARIABLE} names, where it is set)`, textOf('--markdown', FILE_NAME))
    .addOption(new Option('--fail-on <what>', 'what makes the exit code 1: something that became worse, a run that went well before and fails after, or a threshold that held before and does not after; with `inconclusive` also a change of which too little is known').choices(FAIL_ON).default('regressed'))
    .action(async (before: string, after: string, options: CompareOptions) => finish(await compare(context, before, after, options)))
}

function isFailure ({ changes }: ComparedRuns, regressed: boolean, failOn: CompareOptions['failOn']): boolean {
  return failOn !== 'never' && (regressed || (failOn === 'inconclusive' && changes.some(({ verdict }) => verdict === 'inconclusive')))
}

async function appendSummary (context: CliContext, { markdown }: CompareOptions, text: string): Promise<void> {
  const { stderr, workingDirectory, environment = {} } = context
  const named = environment[SUMMARY_VARIABLE]
  const file = markdown ?? (named === '' ? undefined : named)
  if (file === undefined) {
    return
  }
  const option = markdown === undefined ? SUMMARY_VARIABLE : '--markdown'
  const path = resolve(workingDirectory, file)
  try {
    await appendFile(path, text)
  } catch (error) {
    throw new TwinwireError('ERR_INVALID_OPTION', 'the summary cannot be written', {
      path: option, expected: FILE_NAME, found: `${show(file)} (${errorCode(error)})`, cause: error
    })
  }
  stderr.write(`Summary appended to ${fromHere(context, path)}${markdown === undefined ? `, which ${SUMMARY_VARIABLE} names` : ''}\n`)
}
