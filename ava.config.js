import { fileURLToPath } from 'node:url'

export default {
  files: ['test/**/*.test.ts'],
  extensions: ['ts'],
  timeout: '120s',
  workerThreads: false,
  environmentVariables: {
    // Each file is a process that loads what the others have loaded: Node keeps what it compiled. Absolute, as tests start
    // processes in other folders.
    NODE_COMPILE_CACHE: fileURLToPath(new URL('node_modules/.cache/node', import.meta.url))
  }
}
