import { createNode, serve } from './nodes.ts'
import type { Answer, Question } from './child.ts'
import type { Setup } from './nodes.ts'

// The far side, in a process of its own: a node for each set-up that it is told, until it is killed or its parent is gone.

const [, , ...setups] = process.argv

function answer (message: Answer): void {
  process.send?.(message)
}

process.on('message', ({ id }: Question) => {
  const { user, system } = process.cpuUsage()
  answer({ id, cpuMicroseconds: user + system })
})
process.on('disconnect', () => process.exit())

const addresses: string[] = []
for (const [i, setup] of setups.entries()) {
  const node = await createNode(`server ${i}`)
  await serve(node, setup as Setup)
  addresses.push(node.getMultiaddrs()[0].toString())
}
answer({ addresses })
