import test from 'ava'
import { randomStream } from '../../../src/core/random.ts'
import { Kernel } from '../../../src/sim/kernel.ts'
import { PacketNetwork } from '../../../src/sim/network.ts'
import { Packets } from '../../../src/sim/packets.ts'
import { TcpHost } from '../../../src/sim/tcp/host.ts'
import { connect } from '../../../src/sim/topology.ts'
import { ByteNetwork } from '../../../src/wires/stack/byte-network.ts'
import { SimulatedHost } from '../../../src/wires/stack/simulated-host.ts'

const PORT = 4001
const SILENT = { onConnect () {}, onData () {}, onDrain () {}, onEnd () {}, onClose () {} }

/** Hosts 10.0.0.1, 10.0.1.1, ... around a router. */
function createHosts (count: number): { readonly kernel: Kernel, readonly hosts: readonly SimulatedHost[] } {
  const kernel = new Kernel()
  const network = new PacketNetwork(kernel, new Packets(), randomStream('host'))
  const hub = network.addNode()
  const nodes = Array.from({ length: count }, () => network.addNode({ forwards: false }))
  nodes.forEach(node => connect(network, node, hub, { forward: { delayNs: 1e6 } }))
  const ips = nodes.map((_, index) => `10.0.${index}.1`)
  const bytes = new ByteNetwork({
    kernel,
    resolve: (ip, port) => ips.includes(ip) ? { node: nodes[ips.indexOf(ip)], port } : undefined
  })
  return { kernel, hosts: nodes.map((node, index) => new SimulatedHost(bytes, new TcpHost(network, node), [ips[index]])) }
}

test('dialling an address that nobody has is Node\'s EHOSTUNREACH', t => {
  const { hosts: [host] } = createHosts(1)
  t.throws(() => host.connect({ ip: '10.9.9.9', port: PORT }), { code: 'EHOSTUNREACH', message: 'connect EHOSTUNREACH 10.9.9.9:4001' })
})

test('dialling its own address is an error that says so', t => {
  const { hosts: [host] } = createHosts(1)
  t.throws(() => host.connect({ ip: '10.0.0.1', port: PORT }), { code: 'EADDRNOTAVAIL', message: /10\.0\.0\.1:4001.*own/ })
})

test('127.0.0.1 leads to the one host that listens at that port of all its addresses', t => {
  const { kernel, hosts } = createHosts(3)
  const accepted: string[] = []
  hosts[1].listen({ ip: '127.0.0.1', port: PORT }, ({ socket, dialler }) => {
    socket.events = SILENT
    accepted.push(dialler.to.ip)
  })
  // At this port, and yet not at all addresses; and at all addresses, of another port.
  hosts[2].listen({ ip: '10.0.2.1', port: PORT }, () => t.fail())
  hosts[2].listen({ ip: '0.0.0.0', port: PORT + 1 }, () => t.fail())
  hosts[0].connect({ ip: '127.0.0.1', port: PORT }).events = SILENT
  kernel.run(1e9)
  t.deepEqual(accepted, ['10.0.1.1'])
})

test('127.0.0.1 is refused where several hosts listen, with their addresses, and where none does', t => {
  const { hosts } = createHosts(3)
  const [first, second] = [1, 2].map(index => hosts[index].listen({ ip: '0.0.0.0', port: PORT }, () => {}))
  const dial = (): unknown => hosts[0].connect({ ip: '127.0.0.1', port: PORT })
  t.throws(dial, { code: 'EADDRNOTAVAIL', message: /dial one of 10\.0\.1\.1:4001, 10\.0\.2\.1:4001$/ })
  first.close()
  t.notThrows(dial)
  second.close()
  t.throws(dial, { code: 'ECONNREFUSED', message: /^connect ECONNREFUSED 127\.0\.0\.1:4001/ })
})

test('who listens at an address is known while it is listened at, if he says so', t => {
  const { hosts: [host, other] } = createHosts(2)
  const address = { ip: '10.0.1.1', port: PORT }
  t.is(host.peerAt(address), undefined)
  const listening = other.listen(address, () => {})
  t.is(host.peerAt(address), undefined)
  t.is(host.network.openPorts.size, 1)
  listening.close()
  t.is(host.network.openPorts.size, 0)
  t.notThrows(() => other.listen(address, () => {}))
})

test('an address is listened at once, and only where the host has it', t => {
  const { hosts: [host] } = createHosts(1)
  host.listen({ ip: '0.0.0.0', port: PORT }, () => {})
  t.throws(() => host.listen({ ip: '10.0.0.1', port: PORT }, () => {}), { code: 'ERR_PORT_IN_USE' })
  t.throws(() => host.listen({ ip: '10.0.1.1', port: PORT }, () => {}), { code: 'ERR_NO_ADDRESS' })
  t.not(host.listen({ ip: '0.0.0.0', port: 0 }, () => {}).addresses[0].port, host.listen({ ip: '0.0.0.0', port: 0 }, () => {}).addresses[0].port)
})
