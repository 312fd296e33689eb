import test from 'ava'
import { parseScenario } from '../../src/wires/scenario.ts'
import type { ScenarioInput } from '../../src/wires/scenario.ts'
import { COURSE_CONNECTIONS, COURSE_POINTS, COURSE_QUEUES } from '../../src/wires/course-recorder.ts'
import { SimWire } from '../../src/wires/sim.ts'
import type { CourseSeries, NetworkCourse, RunOutcome, RunParameters } from '../../src/wires/wire.ts'

const PATH = { delayMs: 20, rateBitsPerSecond: 8e6 }

interface Play {
  readonly clients?: number
  readonly parameters?: RunParameters
  readonly scenario?: Partial<ScenarioInput>
  readonly course?: boolean
}

async function play ({ clients = 1, parameters = {}, scenario = {}, course = true }: Play = {}): Promise<RunOutcome> {
  const names = Array.from({ length: clients }, (_, index) => `client-${index}`)
  return await new SimWire().run({
    scenario: parseScenario({
      hosts: [{ name: 'server', role: 'server' }, ...names.map(name => ({ name, role: 'client' }))],
      paths: names.map(from => ({ from, to: 'server', forward: PATH })),
      limitMs: 60_000,
      ...scenario
    }),
    rolesModule: new URL('../fixtures/course-roles.ts', import.meta.url),
    parameters: { requests: 5, replyBytes: 1_000, measured: 'client-0', ...parameters },
    seed: 'course',
    course
  })
}

async function courseOf (options: Play): Promise<NetworkCourse> {
  const { course } = await play(options)
  if (course === undefined) {
    throw new Error('no course')
  }
  return course
}

function of (course: NetworkCourse, what: CourseSeries['what']): CourseSeries[] {
  return course.series.filter(series => series.what === what)
}

test('a run that is looked on at is the same run, and only that one has a course', async t => {
  const parameters = { requests: 20, replyBytes: 100_000, dials: true }
  const faults = [{ kind: 'stall', from: 'client-0', to: 'server', atMs: 300, durationMs: 100 }] as const
  const [watched, alone] = await Promise.all([true, false].map(async course => await play({ parameters, scenario: { faults: [...faults] }, course })))
  t.truthy(watched.course)
  t.is(watched.traceHash, alone.traceHash)
  t.deepEqual(watched.events, alone.events)
  t.false('course' in alone)
})

test('a series has at most 240 points in order, ends with its connection or the run, and shows the round trip that there is', async t => {
  const course = await courseOf({ parameters: { requests: 500 } })
  for (const { points } of course.series) {
    t.true(points.length <= COURSE_POINTS)
    t.true(points.every(([timeMs], index) => timeMs >= 0 && (index === 0 || timeMs >= points[index - 1][0])))
    t.is(points.at(-1)?.[0], course.endMs)
  }
  const [roundTrip] = of(course, 'round-trip')
  // Twice 20 ms, 10 ms of pause where the next request bears the acknowledgement, and what serialising takes: of 1.2 kB at
  // 8 Mbit/s 1.2 ms, and as much again for what is before it.
  t.true(roundTrip.points.every(([, ms]) => ms >= 40 && ms < 40 + 10 + 2.4))
})

test('of a connection the direction is shown in which more was sent', async t => {
  const course = await courseOf({ parameters: { replyBytes: 50_000 } })
  t.deepEqual(of(course, 'window').map(({ from, to }) => [from, to]), [['server', 'client-0']])
})

test('queues are shown where some stood, and no more than four', async t => {
  const course = await courseOf({ clients: 6, parameters: { replyBytes: 200_000 } })
  const queues = of(course, 'queue')
  t.is(queues.length, COURSE_QUEUES)
  t.true(queues.every(({ from }) => from === 'server'))
  const quiet = await courseOf({ parameters: { replyBytes: 100 }, scenario: { paths: [{ from: 'client-0', to: 'server', forward: { delayMs: 20 } }] } })
  t.deepEqual(of(quiet, 'queue'), [])
})

test('of a hundred connections twelve are kept, those of the host that records samples first', async t => {
  const course = await courseOf({ clients: 20, parameters: { dials: true, measured: 'client-7' } })
  t.is(course.connections, 100)
  t.is(of(course, 'window').length, COURSE_CONNECTIONS)
  t.true(of(course, 'window').filter(({ from, to }) => from === 'client-7' || to === 'client-7').length >= 5)
})

test('connections are marked where they open and close, in order of time, and ending the run is no mark', async t => {
  const { marks, endMs } = await courseOf({ parameters: { dials: true, requests: 2 } })
  t.deepEqual(marks.map(({ host, kind, text }) => [host, kind, text.replace(/connection \d+/, 'connection')]), [
    ['client-0', 'connection', 'opened connection to server'],
    ['client-0', 'connection', 'closed connection to server'],
    ['client-0', 'connection', 'opened connection to server'],
    ['client-0', 'connection', 'closed connection to server']
  ].slice(0, marks.length))
  t.true(marks.length >= 3)
  t.true(marks.every(({ timeMs }, index) => timeMs <= endMs && (index === 0 || timeMs >= marks[index - 1].timeMs)))
  const kept = await courseOf({ parameters: { requests: 2 } })
  t.deepEqual(kept.marks.map(({ text }) => text), ['opened connection 1 to server'])
  // A SYN and its answer take a round trip of 40 ms.
  t.true(kept.marks[0].timeMs >= 40 && kept.marks[0].timeMs < 41)
})

test('faults are marked where they begin and end, and a reset is told by the connections that it befalls', async t => {
  const faults: ScenarioInput['faults'] = [
    { kind: 'stall', from: 'client-0', to: 'server', atMs: 100, durationMs: 50 },
    { kind: 'rate', from: 'client-0', to: 'server', direction: 'forward', atMs: 160, rateBitsPerSecond: 1e6 },
    { kind: 'black-hole', from: 'client-0', to: 'server', scope: 'all', atMs: 100_000 },
    { kind: 'reset', from: 'client-0', to: 'server', atMs: 500 }
  ]
  const { marks } = await courseOf({ parameters: { requests: 20 }, scenario: { faults } })
  t.deepEqual(marks.filter(({ kind }) => kind === 'fault'), [
    { timeMs: 100, untilMs: 150, host: '', kind: 'fault', text: 'stall between client-0 and server begins' },
    { timeMs: 150, host: '', kind: 'fault', text: 'stall between client-0 and server ends' },
    { timeMs: 160, host: '', kind: 'fault', text: 'rate from client-0 to server becomes 1 Mbit/s' },
    { timeMs: 500, host: '', kind: 'fault', text: 'reset of all connections between client-0 and server' }
  ])
  t.true(marks.some(({ kind, timeMs, text }) => kind === 'connection' && timeMs === 500 && /aborted|reset/.test(text)))
})

test('faults that differ in their ends alone are told once, with their ends and how many they are', async t => {
  const from = (clients: readonly number[], fault: { readonly kind: 'down' | 'black-hole', readonly direction?: 'forward' }): NonNullable<ScenarioInput['faults']> => clients.map(client => {
    const lasting = { from: `client-${client}`, to: 'server', atMs: 100, durationMs: 50, direction: fault.direction }
    return fault.kind === 'down' ? { ...lasting, kind: 'down' } : { ...lasting, kind: 'black-hole', scope: 'existing' }
  })
  const faults = [...from([0, 1, 2, 4], { kind: 'black-hole' }), ...from([0, 1], { kind: 'down', direction: 'forward' }), ...from([3], { kind: 'black-hole', direction: 'forward' })]
  const { marks } = await courseOf({ clients: 5, parameters: { requests: 20 }, scenario: { faults } })
  const told = ['black hole between client-0…2, client-4 and server (4 paths) for connections that are open', 'cut from client-0…1 to server (2 paths)', 'black hole from client-3 to server for connections that are open']
  t.deepEqual(marks.filter(({ kind }) => kind === 'fault').map(({ text }) => text).sort(), told.flatMap(text => [`${text} begins`, `${text} ends`]).sort())
})

test('where not each host of a fault is cut from each other one, its paths are told', async t => {
  const faults: ScenarioInput['faults'] = [['client-0', 'client-1'], ['client-1', 'server'], ['client-2', 'server']].map(([from, to]) => ({ kind: 'stall', from, to, atMs: 100, durationMs: 50 }))
  const paths = [['client-0', 'client-1'], ['client-0', 'server'], ['client-1', 'server'], ['client-2', 'server']].map(([from, to]) => ({ from, to, forward: { delayMs: 20 } }))
  const { marks } = await courseOf({ clients: 3, parameters: { requests: 20 }, scenario: { faults, paths } })
  t.deepEqual(marks.filter(({ kind, untilMs }) => kind === 'fault' && untilMs !== undefined).map(({ text }) => text), ['stall on client-0 – client-1, client-1 – server, client-2 – server (3 paths) begins'])
})

test('a run that failed has the course until then', async t => {
  const { error, course } = await play({ parameters: { fails: true, requests: 3 } })
  t.is(error?.code, 'RangeError')
  t.is(of(course as NetworkCourse, 'window').length, 1)
  t.true((course?.endMs ?? 0) > 3 * 40)
})
