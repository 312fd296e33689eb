import { Relay } from './relay.ts'
import { serveParent } from './serve-parent.ts'
import type { RelayCommand } from './messages.ts'

// The process of its own that a relay runs in, so that no host's work delays what it relays.

let relay: Relay | undefined

/** Commands are done one after the other: a run may be ended while ports are being opened. */
let done: Promise<unknown> = Promise.resolve()

serveParent<RelayCommand>(async command => {
  const answer = done.then(async () => await perform(command))
  done = answer.catch(() => {})
  return await answer
})

async function perform (command: RelayCommand): Promise<unknown> {
  if (command.type === 'open') {
    relay = new Relay(command.relay)
  } else if (command.type === 'start') {
    relay?.begin(command.zeroMs)
  } else if (command.type === 'close') {
    await relay?.close()
    relay = undefined
  }
  return command.type === 'listen' ? await Promise.all(command.hosts.map(async addresses => await relay?.listen(addresses))) : undefined
}
