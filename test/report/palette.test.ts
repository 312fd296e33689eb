import test from 'ava'
import type { Arm } from '../../src/experiment/definition.ts'
import { armMarks, legend } from '../../src/report/legend.ts'
import { armStyles } from '../../src/report/palette.ts'

function named (count: number): Arm[] {
  return Array.from({ length: count }, (_, index) => ({ name: `arm-${index}`, title: `Arm ${index}`, description: '' }))
}

test('up to 16 arms are told apart by shape alone, in charts and in their legend', (t) => {
  const arms = named(16)
  const styles = armStyles(arms, 'arm-3')
  t.is(new Set([...styles.values()].map(({ symbol }) => symbol)).size, 16)
  const marks = armMarks(arms, styles).text
  t.is(new Set([...marks.matchAll(/ d="([^"]+)"/g)].map(([, path]) => path)).size, 16)
  const drawn = [...marks.matchAll(/<symbol id="([^"]+)"/g)].map(([, id]) => id)
  t.deepEqual([...legend(arms).text.matchAll(/ href="#([^"]+)"/g)].map(([, id]) => id), drawn)
})

test('no two of 100 arms look the same', (t) => {
  t.is(new Set([...armStyles(named(100), 'arm-0').values()].map(({ symbol, colour }) => `${symbol} ${colour}`)).size, 100)
})

test('the baseline is the only arm of its colour, wherever it stands', (t) => {
  const styles = armStyles(named(20), 'arm-7')
  t.deepEqual([...styles].filter(([, { colour }]) => colour === 'var(--arm-0)').map(([name]) => name), ['arm-7'])
})
