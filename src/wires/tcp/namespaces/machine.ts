import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import { TwinwireError } from '../../../core/errors.ts'
import { runCommand } from './command.ts'
import { TUNNEL_PORT } from './layout.ts'
import { WITHIN_NAMESPACE } from './namespace.ts'
import type { AddressInfo } from 'node:net'

/** What the kernel of this machine can do to connections. */
export interface Kernel {
  /** Whether connections can be reset from outside (CONFIG_INET_DIAG_DESTROY). */
  readonly resets: boolean
  /** Congestion controllers, by their names. */
  readonly congestion: ReadonlySet<string>
}

/** By package, as Debian has them. */
const COMMANDS = { iproute2: ['ip', 'tc', 'ss'], 'util-linux': ['unshare', 'nsenter'], procps: ['sysctl'] } as const
const CONTROLLERS = ['cubic', 'reno', 'bbr']
const RESET_LIMIT_MS = 500

/**
 * Looks at what there is, by trying it in namespaces that end with the trial.
 *
 * @throws ERR_UNSUPPORTED where hosts cannot have network namespaces here at all, with what is missing
 */
export async function inspectMachine (): Promise<Kernel> {
  if (process.platform !== 'linux') {
    throw missing('Linux', process.platform)
  }
  if (process.geteuid?.() !== 0) {
    throw missing('to be run by root', `user ${process.geteuid?.()}`)
  }
  await Promise.all(Object.entries(COMMANDS).flatMap(([name, commands]) => commands.map(async command => await checkCommand(command, name))))
  await demand('namespaces that can be configured', 'ip', 'link set lo up')
  await Promise.all([
    demand('veth', 'ip', 'link add try0 type veth peer name try1'),
    demand('token buckets (tbf)', 'tc', 'qdisc add dev lo root tbf rate 1mbit burst 2000 limit 2000'),
    demand('VXLAN', 'ip', `link add try0 type vxlan id 1 local 172.16.0.2 remote 172.16.0.1 dstport ${TUNNEL_PORT} remcsumtx remcsumrx`)
  ])
  const [resets, ...controllers] = await Promise.all([
    canReset(),
    ...CONTROLLERS.map(async name => await can(`link set lo up\nroute add 10.0.0.0/8 dev lo congctl ${name}`))
  ])
  return { resets, congestion: new Set(CONTROLLERS.filter((_, index) => controllers[index])) }
}

function missing (expected: string, found: string): TwinwireError {
  return new TwinwireError('ERR_UNSUPPORTED', 'this machine cannot give hosts network namespaces', { path: 'the network of the tcp wire', expected, found })
}

async function checkCommand (command: string, name: string): Promise<void> {
  try {
    await runCommand([command, '-V'])
  } catch (error) {
    if (error instanceof TwinwireError && error.code === 'ERR_UNSUPPORTED') {
      throw missing(`the command ${command} (of ${name})`, 'none on the PATH')
    }
    throw error
  }
}

async function demand (what: string, command: string, lines: string): Promise<void> {
  try {
    await attempt(command, lines)
  } catch (error) {
    throw missing(what, error instanceof TwinwireError ? error.found ?? error.message : String(error))
  }
}

async function can (lines: string): Promise<boolean> {
  return await attempt('ip', lines).then(() => true, () => false)
}

async function attempt (command: string, lines: string): Promise<void> {
  await runCommand([...WITHIN_NAMESPACE, command, '-batch', '-'], `${lines}\n`)
}

/** Where the kernel cannot, `ss` does nothing and says nothing; so a connection of this process is put to it. */
async function canReset (): Promise<boolean> {
  const server = createServer(socket => socket.on('error', () => {}))
  server.listen({ host: '127.0.0.1', port: 0 })
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const socket = connect({ host: '127.0.0.1', port })
  try {
    await once(socket, 'connect')
    const ended = once(socket, 'error', { signal: AbortSignal.timeout(RESET_LIMIT_MS) }).then(() => true, () => false)
    await runCommand(['ss', '-K', '-H', '-t', '-n', 'state', 'established', 'src', '127.0.0.1', 'dst', '127.0.0.1', 'sport', '=', `:${socket.localPort}`, 'dport', '=', `:${port}`])
    return await ended
  } finally {
    socket.destroy()
    server.close()
  }
}
