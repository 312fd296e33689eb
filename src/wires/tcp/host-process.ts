import { readlink } from 'node:fs/promises'
import { HostedGroup } from './hosted-group.ts'
import { serveParent } from './serve-parent.ts'
import { warmUp } from './warm-up.ts'
import type { HostCommand } from './messages.ts'

// The process that a host runs in, or several that name it.

/** The run under way, from its beginning on: it may be ended before it has opened. */
let run: Promise<HostedGroup> | undefined
let warm: Promise<void> | undefined

serveParent<HostCommand>(async command => {
  switch (command.type) {
    case 'namespace':
      return await readlink('/proc/self/ns/net')
    case 'warm-up':
      warm ??= warmUp()
      try {
        await warm
      } catch (error) {
        // The next run is to try again, not to fail of what this one met.
        warm = undefined
        throw error
      }
      // What is wrong with it is for `open` to say.
      return await import(command.rolesModule).then(() => {}, () => {})
    case 'open':
      run = HostedGroup.open(command.run)
      return (await run).opened
    case 'set-up':
      return await (await run)?.setUp(command.peers)
    case 'start':
      return await (await run)?.run(command.zeroMs)
    case 'close': {
      // A process that does not get warm is no good for the next run: it does not answer then, and is killed.
      await warm?.catch(() => {})
      const opened = await run?.catch(() => undefined)
      run = undefined
      return await opened?.close()
    }
  }
})
