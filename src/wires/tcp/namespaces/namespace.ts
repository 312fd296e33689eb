import { readlink } from 'node:fs/promises'
import { runCommand } from './command.ts'

/** Settings of every namespace, for `sysctl`. */
const SETTINGS = [
  // Neighbour discovery would take its share of the links. Where the kernel has no IPv6 there is no such setting.
  'net.ipv6.conf.all.disable_ipv6=1', 'net.ipv6.conf.default.disable_ipv6=1',
  // What one run learned of an address is not for the next.
  'net.ipv4.tcp_no_metrics_save=1'
]

/** A process put into an empty network namespace of its own, which ends with it: put before the process's command. */
export const WITHIN_NAMESPACE = ['unshare', '--net', '--']

/** Names the network namespace of a process: `net:[4026532008]`. */
export async function namespaceOf (pid: number | 'self'): Promise<string> {
  return await readlink(`/proc/${pid}/ns/net`)
}

/** Runs `ip`, `tc`, `ss` and `sysctl` in the network namespace of a process. */
export class Namespace {
  readonly #enter: readonly string[]

  constructor (pid: number) {
    this.#enter = ['nsenter', '--target', String(pid), '--net', '--']
  }

  /** Before there are devices, which take their settings when they are made. */
  async prepare (): Promise<void> {
    await this.#run(['sysctl', '-q', '-e', '-w', ...SETTINGS])
  }

  /** `lines` are arguments of `ip`. They are carried out in order, until one fails. */
  async ip (lines: readonly string[]): Promise<void> {
    if (lines.length > 0) {
      await this.#run(['ip', '-batch', '-'], `${lines.join('\n')}\n`)
    }
  }

  /** The same of `tc`. */
  async tc (lines: readonly string[]): Promise<void> {
    if (lines.length > 0) {
      await this.#run(['tc', '-batch', '-'], `${lines.join('\n')}\n`)
    }
  }

  /** Resets TCP connections, those in the making included, that `ss` finds by the filter. */
  async reset (...filter: readonly [string, ...string[]]): Promise<void> {
    await this.#run(['ss', '-K', '-H', '-t', '-n', ...filter])
  }

  async #run (command: readonly string[], input?: string): Promise<void> {
    await runCommand([...this.#enter, ...command], input)
  }
}
