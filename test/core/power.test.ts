import { readdir, readFile } from 'node:fs/promises'
import test from 'ava'
import * as fc from 'fast-check'
import { cube, power } from '../../src/core/power.ts'
import { randomStream } from '../../src/core/random.ts'
import { TraceHash } from '../../src/core/trace-hash.ts'

/** Of 10^5 values over twelve decades. */
function digestOf (compute: (value: number, other: number) => number): string {
  const random = randomStream('power')
  const hash = new TraceHash()
  for (let i = 0; i < 1e5; i++) {
    hash.mixNumber(compute(random.uniform(0.1, 1) * DECADES[random.integer(DECADES.length)], random.uniform(-3, 3)))
  }
  return hash.digest()
}

const DECADES = [1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 0.1, 1, 10, 100, 1e3, 1e4, 1e5]

test('what simulations compute with has the same bits on every Node: those of 22.23.2 and 26.10.0', t => {
  t.deepEqual([power, cube, Math.log, Math.exp, Math.log2, Math.log10, Math.cbrt, Math.cos, (value: number) => value ** 2].map(digestOf), [
    '62fb6afc3253f37b', 'e83c33eccb6e39b3', 'bb01fee34f88c041', '7f4f5071eba4876a', 'e67e1cf0cb24d884',
    'b96f81bab2e03a2e', '454ed3d31edbdd77', 'ae0d246fb906c47a', '5c6c35248fac1974'
  ])
})

test('a power is that of the logarithms to within their rounding', t => {
  fc.assert(fc.property(fc.double({ min: 1e-9, max: 1e9, noNaN: true }), fc.double({ min: -10, max: 10, noNaN: true }), (base, exponent) => {
    const expected = base ** exponent
    t.true(Math.abs(power(base, exponent) - expected) <= 1e-14 * (1 + Math.abs(exponent * Math.log(base))) * expected)
  }))
  t.deepEqual([power(0, 0), power(0, 2), power(1, 1e9), power(0.5, Infinity)], [1, 0, 1, 0])
})

test('layers whose time is virtual leave `**` alone where it is not exact', async t => {
  const root = new URL('../../src/', import.meta.url)
  for (const layer of ['core', 'sim', 'optim', 'workload', 'wires']) {
    const folder = new URL(`${layer}/`, root)
    for (const file of (await readdir(folder, { recursive: true })).filter(file => file.endsWith('.ts'))) {
      const code = (await readFile(new URL(file, folder), 'utf8')).replaceAll(/\/\*[^]*?\*\/|\/\/.*|'[^'\n]*'|`[^`]*`/g, '')
      const powers = code.match(/[^\n]*(?:\*\*|Math\.pow)[^\n]*/g) ?? []
      t.deepEqual(powers.filter(line => /Math\.pow/.test(line) || !/\b2 \*\* |\*\* 2\b/.test(line)), [], `${layer}/${file}`)
    }
  }
})
