import { readFile } from 'node:fs/promises'
import test from 'ava'
import { createProgram } from '../../src/cli/program.ts'
import { Capture } from '../fixtures/capture.ts'
import { fakeMachinery } from '../fixtures/fake-machinery.ts'

const root = new URL('../../', import.meta.url)
const read = async (name: string): Promise<string> => await readFile(new URL(name, root), 'utf8')

test('the experiment in the guide is the one that init writes', async t => {
  const guide = await read('docs/writing-experiments.md')
  t.is(/```ts\n([^]*?)```/.exec(guide)?.[1], await read('examples/my-question.ts'))
})

test('every command and option in the guides is one that there is', async t => {
  const context = { stdout: new Capture(), stderr: new Capture(), machinery: fakeMachinery(), signal: new AbortController().signal, workingDirectory: '.' }
  const { commands } = createProgram(context, '0.0.0', () => {})
  for (const name of ['docs/writing-experiments.md', 'docs/ci.md']) {
    const uses = [...(await read(name)).matchAll(/(?:npx |`)twinwire ([a-z]+)((?:(?! #|[`|)&\n]).)*)/g)]
    t.true(uses.length > 2)
    for (const [use, command, rest] of uses) {
      const known = commands.find(known => known.name() === command)
      t.truthy(known, use)
      for (const [option] of rest.matchAll(/--[a-z-]+/g)) {
        t.true(known?.options.some(({ long }) => long === option), use)
      }
    }
  }
})
