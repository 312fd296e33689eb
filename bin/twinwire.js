#!/usr/bin/env node
// Plain JavaScript of long ago, so that a Node that cannot run the rest can still say so.
import { existsSync } from 'node:fs'
import module from 'node:module'

const needed = [22, 20]
const found = process.versions.node.split('.').map(Number)

if (found[0] < needed[0] || (found[0] === needed[0] && found[1] < needed[1])) {
  console.error(`error [ERR_NODE_VERSION]: this Node is too old for twinwire; expected ${needed.join('.')} or later; found ${process.versions.node} (${process.execPath})`)
  process.exitCode = 2
} else {
  // Compiling is half of what a short command takes. Threads look where the environment says.
  const { directory } = module.enableCompileCache()
  if (directory !== undefined) {
    process.env.NODE_COMPILE_CACHE ??= directory
  }
  // In a checkout the sources run as they are; the published package has the compiled files only.
  const sources = new URL('../src/cli/main.ts', import.meta.url)
  const compiled = new URL('../dist/src/cli/main.js', import.meta.url)
  const { runFromCommandLine } = await import((existsSync(sources) ? sources : compiled).href)
  await runFromCommandLine()
}
