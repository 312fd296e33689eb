import test from 'ava'
import { parseLatencyMatrix } from '../../src/sim/matrix.ts'
import { matrixPaths } from '../../src/wires/matrix-paths.ts'
import { parseScenario } from '../../src/wires/scenario.ts'
import { SimWire } from '../../src/wires/sim.ts'

const CSV = `,oslo,rome,lima
oslo,0,20,90
rome,22,0,80
lima,95,85,0
`

test('each pair of a matrix is one path, with a delay of its own each way', t => {
  const matrix = parseLatencyMatrix(CSV, 'latency.csv', { values: 'one-way' })
  t.deepEqual(matrixPaths(matrix, { rateBitsPerSecond: 1e6 }), [
    { from: 'oslo', to: 'rome', forward: { delayMs: 20, rateBitsPerSecond: 1e6 }, backward: { delayMs: 22, rateBitsPerSecond: 1e6 } },
    { from: 'oslo', to: 'lima', forward: { delayMs: 90, rateBitsPerSecond: 1e6 }, backward: { delayMs: 95, rateBitsPerSecond: 1e6 } },
    { from: 'rome', to: 'lima', forward: { delayMs: 80, rateBitsPerSecond: 1e6 }, backward: { delayMs: 85, rateBitsPerSecond: 1e6 } }
  ])
})

test('a scenario of a matrix runs', async t => {
  const matrix = parseLatencyMatrix(CSV, 'latency.csv', { values: 'one-way' })
  const outcome = await new SimWire().run({
    scenario: parseScenario({ hosts: matrix.names.map(name => ({ name, role: 'idle' })), paths: matrixPaths(matrix), limitMs: 1_000 }),
    rolesModule: new URL('../fixtures/sim-roles.ts', import.meta.url),
    parameters: {},
    seed: 'matrix'
  })
  t.is(outcome.error, undefined)
})

test('a matrix with a hole is refused by its place', t => {
  t.like(t.throws(() => parseLatencyMatrix(CSV.replace('80', ''), 'latency.csv', { values: 'one-way' })), { code: 'ERR_INVALID_FILE', path: 'latency.csv:3:4' })
})
