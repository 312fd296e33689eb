import type { RandomStream } from '../core/random.ts'
import type { Packets } from './packets.ts'
import { CoDelQueue } from './queue-codel.ts'
import { DropTailQueue } from './queue-drop-tail.ts'
import { FqCoDelQueue } from './queue-fq-codel.ts'
import { RedQueue } from './queue-red.ts'
import type { QueueDiscipline, QueueOptions, QueueSink } from './queue.ts'

/**
 * The queue that checked options ask for; absent: one without a limit.
 *
 * @param rateBitsPerSecond the link's of now, or its mean
 * @param random makes the stream, where the discipline draws at all
 */
export function createQueue (options: QueueOptions | undefined, rateBitsPerSecond: () => number, packets: Packets, sink: QueueSink, random: () => RandomStream): QueueDiscipline {
  if (options === undefined || !('discipline' in options)) {
    return new DropTailQueue(options, packets, sink)
  }
  switch (options.discipline) {
    case 'red':
      return new RedQueue(options, rateBitsPerSecond, packets, sink, random())
    case 'codel':
      return new CoDelQueue(options, packets, sink)
    default:
      return new FqCoDelQueue(options, packets, sink, random().integer(2 ** 32))
  }
}
