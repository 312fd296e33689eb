import { readFileSync } from 'node:fs'
import test from 'ava'
import { TCP_PRESETS, tcpOptions } from '../../../src/sim/tcp/options.ts'
import type { TcpOptions } from '../../../src/sim/tcp/options.ts'
import { MS, S } from './scripted-network.ts'
import { WITHOUT_SACK } from './without-sack.ts'

test('options that are possible alone and not together are refused, with the one to change, what it should be and what it is', t => {
  const cases: ReadonlyArray<readonly [Partial<TcpOptions>, keyof TcpOptions, string]> = [
    [{ sack: false }, 'lossDetection', 'rack'],
    [{ sack: false, lossDetection: 'duplicates' }, 'tailLossProbe', 'true'],
    [{ sack: false, lossDetection: 'duplicates', tailLossProbe: false }, 'forwardRtoRecovery', 'true'],
    [{ maximumDelayedAckNs: 30 * MS }, 'maximumDelayedAckNs', '30000000'],
    [{ minimumRtoNs: 130 * S }, 'minimumRtoNs', '130000000000'],
    [{ initialRtoNs: 130 * S }, 'initialRtoNs', '130000000000']
  ]
  for (const [options, name, found] of cases) {
    const error = t.throws(() => tcpOptions(options), { code: 'ERR_INVALID_OPTION' }) as Error & { path: string, expected: string, found: string }
    t.is(error.path, `tcp.${name}`)
    t.is(error.found, found)
    t.true(error.expected.length > 0)
  }
  t.notThrows(() => tcpOptions(WITHOUT_SACK))
})

test('values that no TCP has are refused by name', t => {
  const cases = [
    { mssBytes: 65_484 }, { delayedAckNs: 500 * MS }, { maximumDelayedAckNs: 500 * MS }, { keepAliveProbes: 0 }, { ecn: 'maybe' }, { hystart: true }, { delayedAcks: 'never' }
  ]
  for (const options of cases) {
    const [name] = Object.keys(options)
    t.throws(() => tcpOptions(options as Partial<TcpOptions>), { code: 'ERR_INVALID_OPTION', message: new RegExp(`tcp\\.${name}`) })
  }
  t.throws(() => tcpOptions({ keepalive: true } as Partial<TcpOptions>), { code: 'ERR_UNKNOWN_OPTION', message: /keepAlive/ })
})

test('docs/tcp.md has every option with the value that each preset gives it', t => {
  const rows = readFileSync(new URL('../../../docs/tcp.md', import.meta.url), 'utf8')
    .split('\n')
    .map(line => /^\| `(\w+)` \| ([^|]+) \| ([^|]+) \| [^|]+ \|$/.exec(line))
    .filter(row => row !== null)
  const documented = new Map(rows.map(([, name, linux, rfc]) => [name, [linux, rfc]]))
  t.is(rows.length, documented.size, 'an option stands there twice')
  const linux = tcpOptions(TCP_PRESETS.linux)
  const rfc = tcpOptions(TCP_PRESETS.rfc)
  t.deepEqual([...documented.keys()], Object.keys(linux))
  for (const name of Object.keys(linux) as Array<keyof TcpOptions>) {
    t.deepEqual(documented.get(name), [shown(name, linux[name]), shown(name, rfc[name])], name)
  }
})

/** As the document has it: durations with a unit, sizes with separators. */
function shown (name: string, value: string | number | boolean): string {
  if (name.endsWith('Ns') && typeof value === 'number') {
    return value === 0 ? '0' : value % S === 0 ? `${value / S} s` : `${value / MS} ms`
  }
  return typeof value === 'number' ? value.toLocaleString('en') : String(value)
}
