import type { BodyReader } from './body-reader.ts'
import { INITIAL_FRAME_BYTES, KINDS, MAXIMUM_NAME_BYTES, MAXIMUM_NAMES, MAXIMUM_TEXT_BYTES, REFUSAL_CODES, type Side } from './format.ts'
import type { Item, RefusalCode } from './items.ts'

/**
 * Reads the next item of what `from` sent. `names` are the protocols that it has had remembered, and grow.
 *
 * @throws ERR_BATCH_INVALID
 */
export function readItem (reader: BodyReader, from: Side, names: string[]): Item {
  const kind = reader.byte('kind')
  if (from === 'initiator') {
    switch (kind) {
      case KINDS.message:
        return { kind: 'message', id: reader.number('id'), protocol: readName(reader, names), payload: reader.block('payload') }
      case KINDS.request:
        return { kind: 'request', id: reader.number('id'), attempt: reader.number('attempt', 1), protocol: readName(reader, names), payload: reader.block('payload') }
      case KINDS.cancel:
        return { kind: 'cancel', id: reader.number('id'), attempt: reader.number('attempt', 1) }
    }
  } else {
    switch (kind) {
      case KINDS.reply:
        return { kind: 'reply', id: reader.number('id'), attempt: reader.number('attempt', 1), payload: reader.block('payload') }
      case KINDS.part:
        return { kind: 'part', id: reader.number('id'), attempt: reader.number('attempt', 1), payload: reader.block('payload') }
      case KINDS.refusal:
        return {
          kind: 'refusal',
          id: reader.number('id'),
          attempt: reader.number('attempt'),
          code: readCode(reader),
          text: reader.text('text', 0, MAXIMUM_TEXT_BYTES)
        }
      case KINDS.settings:
        return { kind: 'settings', maximumFrameBytes: reader.number('maximumFrameBytes', INITIAL_FRAME_BYTES), maximumRequests: reader.number('maximumRequests', 1) }
    }
  }
  throw reader.invalid('kind', EXPECTED_KINDS[from], String(kind))
}

const EXPECTED_KINDS: Readonly<Record<Side, string>> = {
  initiator: 'a message (1), a request (2) or a cancel (3) of the initiator',
  responder: 'a reply (17), a refusal (18), a part (19) or settings (32) of the responder'
}

function readName (reader: BodyReader, names: string[]): string {
  const reference = reader.number('protocol')
  if (reference > 0 && reference <= names.length) {
    return names[reference - 1]
  }
  const isNew = reference === names.length + 1 && names.length < MAXIMUM_NAMES
  if (reference > 0 && !isNew) {
    throw reader.invalid('protocol', `a reference of at most ${Math.min(names.length + 1, MAXIMUM_NAMES)}`, String(reference))
  }
  const name = reader.text('protocol', 1, MAXIMUM_NAME_BYTES)
  if (isNew) {
    names.push(name)
  }
  return name
}

function readCode (reader: BodyReader): RefusalCode {
  const code = reader.byte('code')
  if (code < 1 || code > REFUSAL_CODES.length) {
    throw reader.invalid('code', `a code from 1 to ${REFUSAL_CODES.length}`, String(code))
  }
  return REFUSAL_CODES[code - 1]
}
