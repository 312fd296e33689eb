import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import test from 'ava'

const TWINWIRE = new URL('../../../src/libp2p/index.ts', import.meta.url).href
/** Without the look at who came first. */
const ENVIRONMENT = new URL('../../../src/libp2p/environment.ts', import.meta.url).href

async function load (...modules: readonly string[]): Promise<string> {
  const script = `
    for (const module of ${JSON.stringify(modules)}) {
      try {
        await import(module)
      } catch (error) {
        console.log(error.code, error.message)
      }
    }
    console.log(Math.random())`
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type', 'module', '--eval', script], { cwd: import.meta.dirname })
  return stdout
}

for (const early of ['libp2p', '@libp2p/crypto', '@libp2p/crypto/keys', '@chainsafe/libp2p-noise']) {
  test(`whoever imports ${early} before twinwire/libp2p is told to import twinwire/libp2p first`, async t => {
    t.regex(await load(early, TWINWIRE), /^ERR_INVALID_STATE libp2p was loaded before twinwire\/libp2p.*expected twinwire\/libp2p as the first import/s)
  })
}

test('in the right order all is well, and that it was looked at shifts nothing that is drawn', async t => {
  const [first, alone] = [await load(TWINWIRE, 'libp2p'), await load(ENVIRONMENT, 'libp2p')]
  t.regex(first, /^0\.\d+\n$/)
  t.is(first, alone)
})
