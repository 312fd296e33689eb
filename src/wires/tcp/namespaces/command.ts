import { execFile } from 'node:child_process'
import { TwinwireError } from '../../../core/errors.ts'

/** No command that is run here takes a second; one that hangs is not to hold a run. */
const COMMAND_LIMIT_MS = 10_000
const MAXIMUM_OUTPUT_BYTES = 2 ** 26

/**
 * Runs a system command, without a shell, and answers what it printed.
 *
 * @param input for its standard input
 * @throws ERR_UNSUPPORTED where there is no such command
 * @throws ERR_COMMAND_FAILED with what it said on its standard error
 */
export async function runCommand (command: readonly string[], input = ''): Promise<string> {
  const [file, ...args] = command
  return await new Promise((resolve, reject) => {
    const child = execFile(file, args, { timeout: COMMAND_LIMIT_MS, maxBuffer: MAXIMUM_OUTPUT_BYTES }, (error, stdout, stderr) => {
      if (error === null) {
        resolve(stdout)
      } else if (error.code === 'ENOENT') {
        reject(new TwinwireError('ERR_UNSUPPORTED', 'a command is missing', { path: 'PATH', expected: `the command ${file}`, found: 'none', cause: error }))
      } else {
        reject(new TwinwireError('ERR_COMMAND_FAILED', `'${command.join(' ')}' failed`, { found: stderr.trim() || error.message, cause: error }))
      }
    })
    // A command that has ended before it read its input is reported by its end.
    child.stdin?.on('error', () => {})
    child.stdin?.end(input)
  })
}
