import type { RecordedEvent } from '../core/recorder.ts'
import type { CourseMarkKind } from '../wires/wire.ts'

/** How an event is told. */
interface Telling {
  readonly kind: CourseMarkKind
  /** A sentence without its subject, which is the host; `{field}` stands for a field of the event, `{field ms}` for one rounded to whole milliseconds. */
  readonly text: string
  /** Only events whose fields have none of these values: the others are everyday. */
  readonly unless?: Readonly<Record<string, ReadonlyArray<string | number | boolean>>>
  /** Only events whose fields have one of these values. */
  readonly only?: Readonly<Record<string, ReadonlyArray<string | number | boolean>>>
}

/**
 * What the modules record that belongs into the story of a run, by the events' types; a type can be told in several ways.
 * `undefined`: of each request, stream or batch, and so of its samples rather than of the story.
 */
export const TELLINGS: Readonly<Record<string, readonly Telling[] | undefined>> = {
  'pool:dial': [{ kind: 'pool', text: 'dials {peer}: {reason}' }],
  'pool:address': [{ kind: 'pool', text: 'got nowhere at an address of {peer} in {elapsedMs ms}: {reason}', unless: { reason: ['won', 'cancelled'] } }],
  'pool:open': [{ kind: 'pool', text: 'took over a connection that {peer} or another opened', only: { reason: ['adopted'] } }],
  'pool:close': [{ kind: 'pool', text: 'the pool is rid of a connection to {peer}: {reason}' }],
  'pool:replace': [{ kind: 'pool', text: 'replaced the connection to {peer}: {reason}' }],
  'pool:evict': undefined,
  'pool:prune': [{ kind: 'pool', text: 'libp2p pruned a connection to {peer}: {reason}' }],
  'pool:suspect': [{ kind: 'pool', text: 'suspects the connection to {peer}: {reason}' }],
  'pool:clear': [{ kind: 'pool', text: 'no longer suspects the connection to {peer}: {reason}' }],
  'pool:lease': undefined,
  'pool:end': undefined,

  'health:probe': [{ kind: 'health', text: 'a probe of {peer} ended: {reason}', only: { reason: ['failed', 'timeout', 'unsupported'] } }],
  'health:state': [{ kind: 'health', text: '{peer} is {to}, was {from}: {reason}', unless: { reason: ['opened'] } }],
  'health:ejected': [{ kind: 'health', text: 'leaves {peer} alone for {forMs ms}: {reason}' }],
  'health:readmitted': [{ kind: 'health', text: 'asks {peer} again: {reason}' }],
  'health:condition': [
    { kind: 'health', text: 'condition of the node: {condition} {phase}, by {reason}', only: { peer: [''] } },
    { kind: 'health', text: 'condition of {peer}: {condition} {phase}, by {reason}', unless: { peer: [''] } }
  ],
  'health:recovery': [{ kind: 'health', text: 'recovery of the connection to {peer} {phase}: {reason}' }],
  'health:local': [{ kind: 'health', text: 'own health is {score} of 7: {reason}' }],

  'timeouts:attempt-started': [
    { kind: 'attempt', text: 'asks {peer} again, attempt {attempt}', only: { kind: ['retry'] } },
    { kind: 'attempt', text: 'asks {peer} a second time beside the first, attempt {attempt}', only: { kind: ['hedge'] } }
  ],
  'timeouts:attempt-answered': undefined,
  'timeouts:attempt-overdue': [{ kind: 'attempt', text: 'no answer from {peer} within {timeoutMs ms}' }],
  'timeouts:attempt-failed': [{ kind: 'attempt', text: 'an attempt at {peer} failed: {reason}', unless: { reason: ['ERR_ABORTED', 'AbortError'] } }],
  'timeouts:retry-refused': [{ kind: 'attempt', text: 'does not ask {peer} again: {reason}' }],
  'timeouts:request-settled': [{ kind: 'attempt', text: 'gave up a request to {peer} after {elapsedMs ms}: {reason}', only: { ok: [false] } }],
  'timeouts:judged': undefined,
  'timeouts:tier-changed': [{ kind: 'attempt', text: 'patience with {peer} is {to}, was {from}' }],

  'batching:batch-sent': undefined,
  'batching:acknowledged': undefined,
  'batching:refused': [{ kind: 'flow', text: 'refused in batches with {peer}, by {by}: {reason}' }],
  'batching:violation': [{ kind: 'flow', text: '{peer} broke the protocol of batches: {reason}' }],
  'batching:fallback': [{ kind: 'flow', text: 'goes without batches to {peer}: {reason}' }],
  'batching:stream': undefined,
  'batching:end': [{ kind: 'flow', text: 'gave up a stream of batches to {peer}: {reason}', only: { reason: ['stalled', 'violation'] } }],
  'batching:handler-failed': [{ kind: 'flow', text: 'a handler for {peer} failed: {reason}' }],
  'batching:policy-failed': [{ kind: 'flow', text: 'the compression policy failed: {reason}' }],

  'bandwidth:saturated': [
    { kind: 'flow', text: '{direction} is saturated: {reason}', only: { phase: ['begin'] } },
    { kind: 'flow', text: '{direction} is saturated no more: {reason}', only: { phase: ['end'] } }
  ],
  'bandwidth:stream-paused': [{ kind: 'flow', text: 'stops reading from {peer} for {forMs ms}: {reason}' }],
  'bandwidth:stream-resumed': undefined,
  'bandwidth:queue-full': [{ kind: 'flow', text: 'has no room for {peer}: {reason}' }],
  'bandwidth:concurrency-limit': [{ kind: 'flow', text: 'requests under way at {peer}: at most {limit}, were {from}' }]
}

/** How an event of a run is told, if it is. */
export function tellEvent (event: RecordedEvent, peers: Readonly<Record<string, string>>): { readonly kind: CourseMarkKind, readonly text: string } | undefined {
  const fields = event as unknown as Readonly<Record<string, string | number | boolean | undefined>>
  const matches = (conditions: Telling['only'] = {}, wanted: boolean): boolean =>
    Object.entries(conditions).every(([name, values]) => values.includes(fields[name] ?? '') === wanted)
  // Not of the prototype, whatever a role calls its events.
  const tellings = Object.hasOwn(TELLINGS, event.type) ? TELLINGS[event.type] : undefined
  const telling = tellings?.find(({ only, unless }) => matches(only, true) && matches(unless, false))
  return telling && {
    kind: telling.kind,
    text: telling.text.replaceAll(/\{(\w+)( ms)?\}/g, (_, name: string, ms?: string) => {
      const value = fields[name] ?? ''
      return name === 'peer' ? peers[String(value)] ?? String(value) : ms === undefined ? String(value) : `${Math.round(Number(value))} ms`
    })
  }
}
