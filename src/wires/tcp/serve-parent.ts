import { runError } from '../wire.ts'
import type { ChildMessage, Request } from './messages.ts'

/**
 * The child's half of the conversation with the wire: answers each request with what `handle` returns or throws. The
 * process ends with its parent, however that ends, and leaves Ctrl-C (which the terminal sends to both) to it.
 */
export function serveParent<Command> (handle: (command: Command) => Promise<unknown>): void {
  process.on('SIGINT', () => {})
  process.on('disconnect', () => process.exit())
  process.on('message', ({ id, command }: Request<Command>) => {
    handle(command).then(
      value => tellParent({ type: 'answer', id, value }),
      (error: unknown) => tellParent({ type: 'failure', id, ...runError(error) })
    )
  })
}

export function tellParent (message: ChildMessage): void {
  if (process.connected) {
    // A parent that has just died is no error of this process's, which is about to end.
    process.send?.(message, undefined, undefined, () => {})
  }
}
