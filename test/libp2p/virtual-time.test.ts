import { environment } from '../../src/libp2p/environment.ts'
import { execFile } from 'node:child_process'
import crypto, { generateKeyPair, pbkdf2 } from 'node:crypto'
import { scheduler, setInterval as every, setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import test from 'ava'

const { kernel } = environment

test.serial('timers fire at their times to the nanosecond, in the order of their times and then of their starts', async t => {
  const startMs = performance.now()
  const seen: Array<[string, number]> = []
  const note = (name: string) => (): void => { seen.push([name, performance.now() - startMs]) }
  setTimeout(note('b'), 10)
  setTimeout(note('a'), 5)
  setTimeout(note('c'), 10)
  await delay(10)
  t.deepEqual(seen, [['a', 5], ['b', 10], ['c', 10]])
})

test.serial('a delay that is none, or a fraction, counts as Node counts it', async t => {
  for (const [delayMs, countedMs] of [[0, 1], [-5, 1], [NaN, 1], [2.9, 2], [2 ** 31, 1], [2 ** 31 - 1, 2 ** 31 - 1]]) {
    const startMs = performance.now()
    await new Promise<void>(resolve => setTimeout(resolve, delayMs))
    t.is(performance.now() - startMs, countedMs, String(delayMs))
  }
})

test.serial('intervals repeat until they are cleared, by their number too', async t => {
  const startMs = performance.now()
  const seen: number[] = []
  const interval = setInterval(() => {
    seen.push(performance.now() - startMs)
    if (seen.length === 3) {
      clearInterval(Number(interval))
    }
  }, 7)
  await delay(100)
  t.deepEqual(seen, [7, 14, 21])
  let ticks = 0
  for await (const _ of every(3)) {
    if (++ticks === 4) {
      break
    }
  }
  t.is(performance.now() - startMs, 100 + 12)
})

test.serial('a timer can be refreshed, cancelled and disposed of', async t => {
  let fired = 0
  const timer = setTimeout(() => { fired++ }, 10)
  await delay(6)
  timer.refresh()
  await delay(6)
  t.is(fired, 0)
  await delay(6)
  t.is(fired, 1)
  {
    using disposed = setTimeout(() => { fired++ }, 1)
    t.true(disposed.hasRef())
  }
  clearTimeout(undefined)
  clearTimeout(timer)
  await delay(10)
  t.is(fired, 1)
})

test.serial('what is thrown for a callback that is none is Node\'s error', t => {
  t.throws(() => setTimeout('no function' as unknown as () => void), { code: 'ERR_INVALID_ARG_TYPE' })
})

test.serial('dates, monotonic clocks and the kernel agree', async t => {
  await delay(1_234)
  const nowMs = kernel.nowNs / 1e6
  t.is(performance.now(), nowMs)
  t.is(Date.now(), Date.UTC(2024, 0, 1) + Math.floor(nowMs))
  t.is(new Date().getTime(), Date.now())
  t.is(process.hrtime.bigint(), BigInt(kernel.nowNs))
  const earlier = process.hrtime()
  await delay(1_500)
  t.deepEqual(process.hrtime(earlier), [1, 500_000_000])
  t.is(new Date(0).toISOString(), '1970-01-01T00:00:00.000Z')
  t.true(new Date() instanceof Date)
  t.is(Date(), new Date().toString())
})

test.serial('AbortSignal.timeout aborts at its time with a TimeoutError', async t => {
  const startMs = performance.now()
  const signal = AbortSignal.timeout(250)
  await new Promise(resolve => signal.addEventListener('abort', resolve, { once: true }))
  t.is(performance.now() - startMs, 250)
  t.is((signal.reason as Error).name, 'TimeoutError')
})

test.serial('a sleep of timers/promises ends with its signal, and so does scheduler.wait', async t => {
  const startMs = performance.now()
  await t.throwsAsync(delay(1_000, undefined, { signal: AbortSignal.timeout(10) }), { name: 'AbortError' })
  await t.throwsAsync(scheduler.wait(1_000, { signal: AbortSignal.timeout(10) }), { name: 'AbortError' })
  await t.throwsAsync(delay(1_000, undefined, { signal: AbortSignal.abort() }), { name: 'AbortError' })
  t.is(performance.now() - startMs, 20)
})

test.serial('turns of the event loop take no virtual time, however many', async t => {
  let late = false
  setTimeout(() => { late = true }, 1)
  for (let i = 0; i < 1_000; i++) {
    await new Promise(resolve => { setImmediate(resolve) })
  }
  t.false(late)
  clearImmediate(setImmediate(() => { t.fail('cancelled') }))
  await delay(1)
  t.true(late)
})

test.serial('the clock waits for native cryptography, and results come in the order of the calls', async t => {
  const startMs = performance.now()
  let late = false
  setTimeout(() => { late = true }, 1)
  const order: string[] = []
  const large = crypto.subtle.digest('SHA-256', new Uint8Array(30e6)).then(() => order.push('30 MB'))
  const small = crypto.subtle.digest('SHA-256', new Uint8Array(1)).then(() => order.push('1 B'))
  const derived = promisify(pbkdf2)('password', 'salt', 50_000, 32, 'sha256').then(() => order.push('pbkdf2'))
  const keys = promisify(generateKeyPair)('rsa', { modulusLength: 1024 }).then(({ privateKey }) => order.push(privateKey.type))
  await Promise.all([large, small, derived, keys])
  t.deepEqual(order, ['30 MB', '1 B', 'pbkdf2', 'private'])
  t.is(performance.now(), startMs)
  t.false(late)
})

test.serial('what native functions throw and reject with reaches their callers', async t => {
  await t.throwsAsync(crypto.subtle.importKey('raw', new Uint8Array(3), 'AES-GCM', true, ['encrypt']))
  await t.throwsAsync(promisify(pbkdf2)('password', 'salt', 1, 32, 'no such digest'))
})

/** What a process of its own draws. */
async function draws (seed: string): Promise<string> {
  const script = `
    import crypto, { randomInt, randomFill } from 'node:crypto'
    import { promisify } from 'node:util'
    const bytes = new Uint8Array(5)
    const filled = await promisify(randomFill)(Buffer.alloc(4))
    const { publicKey } = crypto.generateKeyPairSync('ed25519')
    const x25519 = crypto.generateKeyPairSync('x25519', { publicKeyEncoding: { type: 'spki', format: 'der' }, privateKeyEncoding: { type: 'pkcs8', format: 'der' } })
    console.log(Math.random(), crypto.getRandomValues(bytes).join(), globalThis.crypto.randomUUID(), crypto.randomUUID(), crypto.randomBytes(3).join(),
      filled.join(), randomInt(10), randomInt(5, 7), publicKey.export({ type: 'spki', format: 'der' }).toString('hex'), x25519.publicKey.toString('hex'))`
  const { stdout } = await promisify(execFile)(process.execPath, ['--import', fileURLToPath(new URL('../../src/libp2p/environment.ts', import.meta.url)), '--input-type', 'module', '--eval', script], {
    env: { ...process.env, TWINWIRE_SEED: seed }
  })
  return stdout
}

test.serial('one seed gives the same numbers, bytes and keys in every process, and another seed others', async t => {
  const [first, again, other] = [await draws('a'), await draws('a'), await draws('b')]
  t.is(first, again)
  t.not(first, other)
  t.regex(first, / [0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12} /)
})

test.serial('timers that keep nobody waiting end with the process, and those that do are waited for', async t => {
  const run = async (script: string): Promise<string> => {
    const { stdout } = await promisify(execFile)(process.execPath, ['--import', fileURLToPath(new URL('../../src/libp2p/environment.ts', import.meta.url)), '--input-type', 'module', '--eval', script])
    return stdout.trim()
  }
  t.is(await run("setInterval(() => {}, 10).unref(); setTimeout(() => console.log('an hour'), 3600e3)"), 'an hour')
  t.is(await run("setTimeout(() => console.log('never'), 1).unref()"), '')
})
