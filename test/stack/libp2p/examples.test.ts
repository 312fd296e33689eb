import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import test from 'ava'

interface Outcome {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

async function runExample (name: string, args: readonly string[], seed = '1'): Promise<Outcome> {
  const file = fileURLToPath(new URL(`../../../examples/${name}`, import.meta.url))
  return await new Promise(resolve => {
    execFile(process.execPath, [file, ...args], { env: { ...process.env, TWINWIRE_SEED: seed } }, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr })
    })
  })
}

/** Of a row of the table: all numbers after its title. */
function rowOf (stdout: string, title: string): number[] {
  const line = stdout.split('\n').find(line => line.startsWith(title)) ?? ''
  return (line.slice(title.length).match(/\d+/g) ?? []).map(Number)
}

/** Two hosts of the regions topology are at least 2 ms apart, one way. */
const LEAST_RTT_MS = 4

test('every lookup in a DHT of unmodified libp2p nodes finds what it looks for, no sooner than a stream and a request can; a second run prints the same', async t => {
  const [{ code, stdout, stderr }, again] = await Promise.all([1, 2].map(async () => await runExample('kad-dht-lookups.ts', ['12', '3'])))
  t.is(code, 0, stderr)
  t.is(again.stdout, stdout)
  for (const title of ['find a peer', 'closest peers', 'provide', 'find a provider']) {
    const [found, of, hops, , , answers, , , ms] = rowOf(stdout, title)
    t.deepEqual([found, of], [3, 3], title)
    if (hops > 0) {
      // Opening a stream takes a round trip, and so does the request on it.
      t.true(ms >= 2 * LEAST_RTT_MS, `${title}: ${ms} ms`)
      t.true(answers >= 1, title)
    }
  }
})

test('gossipsub brings every message to every peer once, none sooner than the shortest way allows; a second run prints the same, another seed does not', async t => {
  const seeds = ['1', '1', '2']
  const [{ code, stdout, stderr }, again, other] = await Promise.all(seeds.map(async seed => await runExample('gossipsub-blocks.ts', ['12', '2'], seed)))
  t.is(code, 0, stderr)
  // 2 messages to all peers but the publisher.
  t.true(stdout.includes('delivered: 22 of 22, 0 of them again'), stdout)
  const measured = rowOf(stdout, 'measured')
  const bounds = rowOf(stdout, 'at least: the shortest way')
  t.is(measured.length, 4)
  bounds.forEach((boundMs, index) => t.true(measured[index] >= boundMs, stdout))
  t.is(again.stdout, stdout)
  t.true(other.stdout.includes('seed 2'), other.stderr)
  t.notDeepEqual(rowOf(other.stdout, 'measured'), measured)
})

for (const [name, args, expected] of [
  ['kad-dht-lookups.ts', ['many'], "peers: expected a whole number from 10 to 1000, found 'many'"],
  ['gossipsub-blocks.ts', ['20', '0'], "messages: expected a whole number from 1 to 100, found '0'"]
] as const) {
  test(`${name} says what is wrong with '${args.join(' ')}'`, async t => {
    const { code, stdout, stderr } = await runExample(name, args)
    t.is(code, 2)
    t.is(stdout, '')
    t.is(stderr.trim(), expected)
  })
}
