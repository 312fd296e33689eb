import test from 'ava'
import * as fc from 'fast-check'
import { leanSvg } from '../../src/report/lean-svg.ts'
import { shortPath } from '../../src/report/svg-path.ts'

/** Where a path goes, each move and line of it, in absolute places. */
function placesOf (path: string): number[][] {
  const places: number[][] = []
  let [x, y] = [0, 0]
  let start = [0, 0]
  for (const [, letter, numbers] of path.matchAll(/([MLlhvZ])([^MLlhvZ]*)/g)) {
    const [first = 0, second = 0] = [...numbers.matchAll(/-?(?:\d+\.?\d*|\.\d+)/g)].map(([number]) => Number(number))
    switch (letter) {
      case 'M': [x, y] = start = [first, second]; break
      case 'L': [x, y] = [first, second]; break
      case 'l': [x, y] = [x + first, y + second]; break
      case 'h': x += first; break
      case 'v': y += first; break
      default: [x, y] = start
    }
    places.push([x, y])
  }
  return places
}

test('a shortened path goes through the same places to a tenth, however long it is', (t) => {
  const coordinate = fc.oneof(fc.double({ min: -500, max: 500, noNaN: true }), fc.integer({ min: -3, max: 3 })).map((value) => Number(value.toFixed(3)))
  const command = fc.oneof(
    { weight: 8, arbitrary: fc.tuple(coordinate, coordinate).map(([x, y]) => `L${x},${y}`) },
    { weight: 1, arbitrary: fc.tuple(coordinate, coordinate).map(([x, y]) => `M${x},${y}`) },
    { weight: 1, arbitrary: fc.constant('Z') }
  )
  fc.assert(fc.property(coordinate, coordinate, fc.array(command, { maxLength: 400 }), (x, y, rest) => {
    const path = `M${x},${y}${rest.join('')}`
    const short = shortPath(path)
    const [before, after] = [placesOf(path), placesOf(short)]
    t.is(after.length, before.length)
    // Half a tenth by rounding; what the sum of decimal numbers adds is far below a thousandth.
    after.forEach((place, index) => place.forEach((value, axis) => { t.true(Math.abs(value - before[index][axis]) < 0.0501, `${path} -> ${short}`) }))
  }), { seed: 7, numRuns: 200 })
})

test('steps are written in one number each', (t) => {
  t.is(shortPath('M0.04,9.96L5,9.96L5,4.5L10.25,4.5L12,0.3Z'), 'M0 10h5v-5.5h5.3l1.7-4.2Z')
})

test('a path of curves is left as it is', (t) => {
  const path = 'M-.9.9a.9.9 0 1 0 .01 0z'
  t.is(shortPath(path), path)
})

test('marks of one look are drawn once, keep their tips, and groups that say nothing are gone', (t) => {
  const mark = (tip: string, x: number, fill: string): string => `<path aria-label="${tip}" role="graphics-symbol" aria-roledescription="point" transform="translate(${x}.04,7)" d="M-1,-1L1,-1L1,1Z" fill="${fill}"></path>`.replace('></path>', '/>')
  const lean = leanSvg(`<svg width="9" height="9"><g fill="none"><g><g>${mark('a', 1, 'red')}${mark('b', 2, 'red')}${mark('c', 3, 'blue')}</g></g></g></svg>`, 'here')
  t.is(lean, '<svg width="9" height="9"><defs><path id="here-mark-0" d="M-1-1h2v2Z" fill="red"/><path id="here-mark-1" d="M-1-1h2v2Z" fill="blue"/></defs><g fill="none">' +
    '<use href="#here-mark-0" x="1" y="7" data-tip="a"/><use href="#here-mark-0" x="2" y="7" data-tip="b"/><use href="#here-mark-1" x="3" y="7" data-tip="c"/></g></svg>')
})
