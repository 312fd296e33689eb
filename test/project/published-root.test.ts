import test from 'ava'
import { otherRoots, rootOf } from '../../bench/published-root.ts'

const experiments = [{ name: 'one', command: 'twinwire validate one --seed root-2 --seeds 20' }, { name: 'two', command: 'twinwire validate two --seed root-2' }]

test('the root is the seed of the script that publishes', t => {
  t.is(rootOf({ scripts: { experiments: 'node bin/twinwire.js experiments --seed root-2 --pages reports' } }), 'root-2')
  t.is(rootOf({ scripts: {} }), undefined)
  t.deepEqual(otherRoots({ experiments }, undefined, new Map()), ['package.json: the script experiments names no --seed'])
})

test('what was published with another root is found, and a document that does not name it', t => {
  const documents = new Map([['good.md', 'the root `root-2`'], ['late.md', 'the root `root-1`']])
  t.deepEqual(otherRoots({ experiments }, 'root-2', documents), ['late.md does not name the published root: expected `root-2`'])
  t.deepEqual(otherRoots({ experiments: [experiments[0], { name: 'old', command: 'twinwire validate old --seed root-22' }] }, 'root-2', new Map()), [
    'old was published with another root: expected --seed root-2; found twinwire validate old --seed root-22'
  ])
})
