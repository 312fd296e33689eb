import { constants, setPriority } from 'node:os'
import { serveParent } from '../serve-parent.ts'
import { Hub } from './hub.ts'
import type { HubCommand } from '../messages.ts'

// The process of its own that a hub runs in, within a network namespace of its own.

try {
  // A network does not wait until its hosts have computed. Threads that are started later are as urgent.
  setPriority(constants.priority.PRIORITY_HIGHEST)
} catch {
  // Root without this capability, as in some containers: packets are later then.
}

let hub: Hub | undefined
/** Settled when the hub has opened, or has not been able to. */
let opening: Promise<unknown> = Promise.resolve()
let over = Promise.withResolvers<void>()

serveParent<HubCommand>(async command => {
  switch (command.type) {
    case 'open': {
      hub = new Hub(command.hub)
      const opened = hub.open()
      opening = opened.catch(() => {})
      return await opened
    }
    case 'start':
      return await Promise.race([hub?.begin(command.zeroMs), over.promise])
    case 'end':
      return hub?.end()
    case 'close': {
      // A run may be cut short while it is being set up.
      await opening
      over.resolve()
      over = Promise.withResolvers()
      await hub?.close()
      hub = undefined
    }
  }
})
