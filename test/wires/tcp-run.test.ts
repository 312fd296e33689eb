import { setImmediate as immediate } from 'node:timers/promises'
import test from 'ava'
import { parseScenario } from '../../src/wires/scenario.ts'
import { RunTurns } from '../../src/wires/tcp/run-turns.ts'
import { TcpRun } from '../../src/wires/tcp/tcp-run.ts'
import type { RunOutcome } from '../../src/wires/wire.ts'
import type { HostNetwork, HostNetworks } from '../../src/wires/tcp/host-networks.ts'
import type { Child } from '../../src/wires/tcp/child.ts'
import type { HostCommand, NetworkCommand } from '../../src/wires/tcp/messages.ts'

/** Processes that answer at once, but for a while to warm up, and a network that joins nobody. */
class FakeNetworks {
  readonly log: string[] = []
  readonly #failsAt: string | undefined
  readonly hosts = { acquire: () => this.#child() as unknown as Child<HostCommand>, release () {} }

  constructor (failsAt?: string) {
    this.#failsAt = failsAt
  }

  acquire (): HostNetwork {
    return {
      label: 'the network',
      child: this.#child() as unknown as Child<NetworkCommand>,
      prepare: async hosts => hosts.map(() => []),
      addresses: async () => ({ ofAll: new Map(), seenBy: new Map() }),
      release () {}
    }
  }

  #child (): Pick<Child<HostCommand | NetworkCommand>, 'call' | 'use' | 'alive' | 'kill'> {
    return {
      alive: true,
      use () {},
      kill: async () => {},
      call: async command => {
        for (let turn = 0; command.type === 'warm-up' && turn < 10; turn++) {
          await immediate()
        }
        this.log.push(command.type)
        if (command.type === this.#failsAt) {
          throw new Error(`no ${command.type}`)
        }
        return command.type === 'open' && 'run' in command ? command.run.hosts.map(({ name }) => ({ peerId: name, port: undefined })) : undefined
      }
    }
  }
}

test('nodes are made when the processes of all runs that set up are warm, for they ping at intervals from their start on', async t => {
  const networks = new FakeNetworks()
  const turns = new RunTurns()
  const scenario = parseScenario({ hosts: [{ name: 'a', role: 'any' }, { name: 'b', role: 'any' }], limitMs: 1_000 })
  const request = { scenario, rolesModule: new URL('file:///roles.ts'), parameters: {}, seed: 'seed' }
  const runs = Array.from({ length: 3 }, () => new TcpRun(request as ConstructorParameters<typeof TcpRun>[0], networks as unknown as HostNetworks, turns, new AbortController().signal).outcome())
  const outcomes = await Promise.all(runs)
  t.deepEqual(outcomes.map(({ error, interrupted }) => [error, interrupted]), outcomes.map(() => [undefined, false]))
  const commands = networks.log.filter(type => type !== 'close' && type !== 'end')
  // Two hosts each; the third `start` of a run is its network's.
  t.deepEqual(commands.slice(0, 6), Array.from({ length: 6 }, () => 'warm-up'))
  t.deepEqual(commands.slice(6).filter(type => type !== 'start'), Array.from({ length: 3 }, () => ['open', 'open', 'set-up', 'set-up']).flat())
  t.is(commands.slice(6).filter(type => type === 'start').length, 9)
  t.is(networks.log.filter(type => type === 'end').length, 3, 'each network is asked whether it was what the scenario says')
  t.true(outcomes.every(({ busyShare = NaN }) => busyShare >= 0 && busyShare <= 1), 'each says how busy the machine was')
  t.is(turns.underWay, 0)
})

test('a run that fails, or is cut short before its turn, is not under way any longer', async t => {
  const turns = new RunTurns()
  const scenario = parseScenario({ hosts: [{ name: 'a', role: 'any' }], limitMs: 1_000 })
  const request = { scenario, rolesModule: new URL('file:///roles.ts'), parameters: {}, seed: 'seed' }
  const outcomeOf = async (networks: FakeNetworks, signal: AbortSignal): Promise<RunOutcome> => await new TcpRun(request, networks as unknown as HostNetworks, turns, signal).outcome()
  for (const failsAt of ['warm-up', 'open', 'set-up', 'start', 'end', 'close']) {
    const { error } = await outcomeOf(new FakeNetworks(failsAt), new AbortController().signal)
    t.is(error === undefined, failsAt === 'close', failsAt)
    t.is(turns.underWay, 0, failsAt)
  }
  turns.begin({})
  const controller = new AbortController()
  const networks = new FakeNetworks()
  const waiting = outcomeOf(networks, controller.signal)
  setTimeout(() => controller.abort(), 100)
  t.true((await waiting).interrupted)
  await turns.opening.none()
  t.false(networks.log.includes('open'))
  t.is(turns.underWay, 1)
})
