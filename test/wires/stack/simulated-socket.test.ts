import test from 'ava'
import { Kernel } from '../../../src/sim/kernel.ts'
import { PacketNetwork } from '../../../src/sim/network.ts'
import { Packets } from '../../../src/sim/packets.ts'
import { TcpHost } from '../../../src/sim/tcp/host.ts'
import { connect } from '../../../src/sim/topology.ts'
import { randomStream } from '../../../src/core/random.ts'
import { ByteNetwork } from '../../../src/wires/stack/byte-network.ts'
import { SimulatedHost } from '../../../src/wires/stack/simulated-host.ts'
import type { SimulatedSocket, SimulatedSocketEvents } from '../../../src/wires/stack/simulated-socket.ts'

const IPS = ['10.0.0.1', '10.0.1.1'] as const
const READ_BYTES = 65_536
const IGNORED: SimulatedSocketEvents = { onConnect () {}, onData () {}, onDrain () {}, onEnd () {}, onClose () {} }

interface Pair {
  readonly kernel: Kernel
  readonly network: ByteNetwork
  readonly sender: SimulatedSocket
  readonly receiver: SimulatedSocket
}

/** Two sockets that are connected. */
function createPair (): Pair {
  const kernel = new Kernel()
  const network = new PacketNetwork(kernel, new Packets(), randomStream('socket'))
  const nodes = IPS.map(() => network.addNode())
  connect(network, nodes[0], nodes[1], { forward: { delayNs: 1e6 } })
  const bytes = new ByteNetwork({ kernel, resolve: (ip, port) => ({ node: nodes[IPS.findIndex(known => known === ip)], port }) })
  const hosts = IPS.map((ip, index) => new SimulatedHost(bytes, new TcpHost(network, nodes[index]), [ip]))
  let receiver: SimulatedSocket | undefined
  hosts[1].listen({ ip: IPS[1], port: 1 }, accepted => {
    receiver = accepted.socket
    receiver.events = IGNORED
  })
  const sender = hosts[0].connect({ ip: IPS[1], port: 1 })
  sender.events = IGNORED
  kernel.run(1e9)
  if (receiver === undefined) {
    throw new Error('nobody was accepted')
  }
  return { kernel, network: bytes, sender, receiver }
}

/** Bytes that tell where they stand. */
function content (byteCount: number): Uint8Array {
  return Uint8Array.from({ length: byteCount }, (_, index) => index % 251)
}

test('what was held while paused comes in pieces of at most 64 KiB, and a pause between two of them holds the rest', t => {
  const { kernel, sender, receiver } = createPair()
  const sent = content(200_000)
  const pieces: Uint8Array[] = []
  receiver.events = {
    ...IGNORED,
    onData: bytes => {
      pieces.push(bytes)
      if (pieces.length === 1) {
        receiver.pause()
      }
    }
  }
  receiver.pause()
  sender.write(sent)
  kernel.run(10e9)
  t.is(pieces.length, 0)
  receiver.resume()
  t.deepEqual(pieces.map(({ byteLength }) => byteLength), [READ_BYTES])
  kernel.run(20e9)
  t.is(pieces.length, 1)
  receiver.resume()
  t.true(pieces.length > 1)
  kernel.run(30e9)
  t.true(pieces.every(({ byteLength }) => byteLength <= READ_BYTES))
  t.deepEqual(Buffer.concat(pieces), Buffer.from(sent))
})

test('the end comes behind all data, also where a handler of data pauses and resumes', t => {
  const { kernel, sender, receiver } = createPair()
  const seen: string[] = []
  let readBytes = 0
  receiver.events = {
    ...IGNORED,
    onData: ({ byteLength }) => {
      seen.push('data')
      readBytes += byteLength
      receiver.pause()
      receiver.resume()
    },
    onEnd: () => seen.push('end')
  }
  receiver.pause()
  sender.write(content(60_000))
  sender.write(content(60_000))
  sender.close()
  kernel.run(10e9)
  t.deepEqual(seen, [])
  receiver.resume()
  kernel.run(20e9)
  t.is(readBytes, 120_000)
  t.is(seen.indexOf('end'), seen.length - 1)
})

test('what arrives after a close is thrown away, and its connection forgotten in the end', t => {
  const { kernel, network, sender, receiver } = createPair()
  receiver.close()
  sender.write(content(50_000))
  kernel.run(5e9)
  sender.close()
  kernel.run(10e9)
  t.is(network.connectionCount, 0)
})

test('a handler that pauses and resumes gets every byte once, in order, and never inside itself', t => {
  const { kernel, sender, receiver } = createPair()
  const sent = content(300_000)
  const pieces: Uint8Array[] = []
  let inside = false
  receiver.events = {
    ...IGNORED,
    onData: bytes => {
      t.false(inside)
      inside = true
      pieces.push(bytes)
      receiver.pause()
      receiver.resume()
      inside = false
    }
  }
  receiver.pause()
  sender.write(sent)
  kernel.run(5e9)
  receiver.resume()
  kernel.run(10e9)
  t.deepEqual(Buffer.concat(pieces), Buffer.from(sent))
})

test('the window stays closed while nobody reads, however long, and opens with what is read', t => {
  const { kernel, sender, receiver } = createPair()
  const byteCount = 20e6
  let received = 0
  receiver.events = { ...IGNORED, onData: bytes => { received += bytes.byteLength } }
  receiver.pause()
  sender.write(new Uint8Array(byteCount))
  kernel.run(60e9)
  t.is(received, 0)
  receiver.resume()
  const held = received
  t.true(held > READ_BYTES && held < byteCount, `${held} bytes`)
  kernel.run(120e9)
  t.is(received, byteCount)
})

test('the end of what was sent comes behind all that was held', t => {
  const { kernel, sender, receiver } = createPair()
  const told: Array<number | 'end'> = []
  receiver.events = { ...IGNORED, onData: bytes => told.push(bytes.byteLength), onEnd: () => told.push('end') }
  receiver.pause()
  sender.write(content(70_000))
  sender.close()
  kernel.run(10e9)
  t.deepEqual(told, [])
  receiver.resume()
  t.deepEqual(told, [READ_BYTES, 70_000 - READ_BYTES, 'end'])
})
