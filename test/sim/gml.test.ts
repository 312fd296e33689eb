import test from 'ava'
import * as fc from 'fast-check'
import { TwinwireError } from '../../src/core/errors.ts'
import { layOutGml, parseGml } from '../../src/sim/gml.ts'
import { collect, emptyNetwork, packetOf } from './packet-tools.ts'

const TWO = 'graph [ node [ id 0 ] node [ id 1 ] '

test('a graph is read with labels, units, comments, loops, and attributes that mean nothing here', t => {
  const text = `# made by hand
Creator "someone"
graph [
  directed 1
  node [ id 7 label "fra" host_bandwidth_up "50 Mbit" graphics [ x 1.5 y -2e3 ] ]
  node [ id 3 ]
  edge [ source 7 target 3 latency "10 ms" packet_loss 0.25 bandwidth "100 Mbit" ]
  edge [ source 3 target 7 latency "2500us" ]
  edge [ source 7 target 7 latency "2 ms" ]
]
`
  t.deepEqual(parseGml(text, 'a.gml'), {
    directed: true,
    names: ['fra', '3'],
    edges: [
      { source: 0, target: 1, link: { delayNs: 10e6, loss: { model: 'bernoulli', probability: 0.25 }, rateBitsPerSecond: 100e6 } },
      { source: 1, target: 0, link: { delayNs: 2.5e6 } }
    ]
  })
})

test('an undirected edge is a link each way, a directed one is not', t => {
  for (const directed of [0, 1]) {
    const network = emptyNetwork()
    const nodes = layOutGml(network, parseGml(`${TWO} directed ${directed} edge [ source 1 target 0 latency "3 ms" ] ]`, 'a.gml'))
    const received = nodes.map(node => collect(network, node))
    network.send(packetOf(network, nodes[0], nodes[1], 100))
    network.send(packetOf(network, nodes[1], nodes[0], 100))
    network.kernel.run()
    t.deepEqual(received.map(list => list.length), [1, 1 - directed])
    t.is(received[0][0].atNs, 3e6)
  }
})

const bad: Record<string, [text: string, path: string]> = {
  'nothing': ['', 'a.gml:1:1'],
  'no graph': ['Creator "x"', 'a.gml:1:1'],
  'a graph that is no list': ['graph 1', 'a.gml:1:7'],
  'a list without an end': ['graph [\n node [ id 0 ]\n', 'a.gml:3:1'],
  'an end without a list': ['graph [ ]\n]', 'a.gml:2:1'],
  'a string without an end': [`${TWO}\n edge [ source 0 target 1 latency "3 ms ] ]`, 'a.gml:2:35'],
  'a value that is none': ['graph [\n  node [ id zero ] ]', 'a.gml:2:13'],
  'a number with a tail': ['graph [ node [ id 12x ] ]', 'a.gml:1:19'],
  'a number as a key': ['graph [ 12 3 ]', 'a.gml:1:9'],
  'a node without an id': ['graph [\n node [ label "a" ] ]', 'a.gml:2:7'],
  'a node twice': ['graph [ node [ id 1 ]\n node [ id 1 ] ]', 'a.gml:2:12'],
  'a label twice': ['graph [ node [ id 1 label "a" ]\n node [ id 2 label "a" ] ]', 'a.gml:2:20'],
  'an edge to nowhere': [`${TWO}\nedge [ source 0 target 5 latency "1 ms" ] ]`, 'a.gml:2:24'],
  'an edge without a target': [`${TWO}\nedge [ source 0 latency "1 ms" ] ]`, 'a.gml:2:6'],
  'an edge without a latency': [`${TWO}\nedge [ source 0 target 1 ] ]`, 'a.gml:2:6'],
  'a latency without a unit': [`${TWO}\nedge [ source 0 target 1 latency 10 ] ]`, 'a.gml:2:34'],
  'a latency in parsecs': [`${TWO}\nedge [ source 0 target 1 latency "10 parsec" ] ]`, 'a.gml:2:34'],
  'a rate of 0': [`${TWO}\nedge [ source 0 target 1 latency "1 ms" bandwidth "0 Mbit" ] ]`, 'a.gml:2:51'],
  'a loss above 1': [`${TWO}\nedge [ source 0 target 1 latency "1 ms" packet_loss 1.5 ] ]`, 'a.gml:2:53'],
  'an edge twice': [`${TWO}\nedge [ source 0 target 1 latency "1 ms" ]\nedge [ source 1 target 0 latency "1 ms" ] ]`, 'a.gml:3:6'],
  'lists without end': [`graph ${'[ a '.repeat(40)}`, 'a.gml:1:135']
}

for (const [what, [text, path]] of Object.entries(bad)) {
  test(`${what} in GML is refused by its place`, t => {
    const error = t.throws<TwinwireError>(() => parseGml(text, 'a.gml'), { instanceOf: TwinwireError })
    t.is(error.code, 'ERR_INVALID_FILE')
    t.is(error.path, path)
    t.truthy(error.expected)
    t.truthy(error.found)
  })
}

test('whatever a file holds, it is read or refused as a file', t => {
  const word = fc.constantFrom('graph', 'node', 'edge', '[', ']', 'id', 'source', 'target', 'latency', '"1 ms"', '0', '1', '-', '"', '#', '\n', 'é')
  fc.assert(fc.property(fc.array(word, { maxLength: 30 }), words => {
    try {
      parseGml(words.join(' '), 'a.gml')
    } catch (error) {
      t.true(error instanceof TwinwireError && error.code === 'ERR_INVALID_FILE', String(error))
    }
  }), { numRuns: 1000 })
})

test('a long file that goes wrong at its end is refused in time that grows with its length only', t => {
  const error = t.throws<TwinwireError>(() => parseGml(`graph [ ${'node [ id 1 ] '.repeat(100_000)}\n"`, 'a.gml'), { instanceOf: TwinwireError })
  t.is(error.path, 'a.gml:2:1')
})
