import type { PathDirection } from '../../scenario-link.ts'

/** An Ethernet header, which queue disciplines count and scenarios do not. */
const HEADER_BYTES = 14
const FULL_PACKET_BYTES = 1500
/**
 * How late the bucket's timer may be before its rate is lost. As many bytes pass at once after a pause, which a serialiser
 * would have taken this long for.
 */
const TIMER_SLACK_S = 0.002
/** No queue of a scenario without a limit grows so long. A discipline's limit has 32 bits. */
const NO_LIMIT = 2 ** 31 - 1
/** Packets on their way at once: netem drops the rest. */
const NETEM_LIMIT = 1_000_000

/**
 * Lines for `tc -batch` that give a device a direction's queue and rate, now or in place of what it had; none without a rate,
 * for then nothing ever waits.
 */
export function queueLines (device: string, { rateBitsPerSecond, queue }: PathDirection): string[] {
  if (rateBitsPerSecond === undefined) {
    return []
  }
  const burstBytes = Math.ceil(FULL_PACKET_BYTES + rateBitsPerSecond / 8 * TIMER_SLACK_S)
  const drop = queue?.discipline === undefined || queue.discipline === 'drop-tail' ? queue : undefined
  // The packet in service waits in the bucket's queue for its tokens; the scenario does not count it.
  const limitBytes = drop?.limitBytes === undefined ? NO_LIMIT : Math.min(NO_LIMIT, Math.floor(drop.limitBytes + FULL_PACKET_BYTES))
  return [
    `qdisc replace dev ${device} root handle 1: stab overhead -${HEADER_BYTES} linklayer ethernet tbf rate ${Math.round(rateBitsPerSecond)}bit burst ${burstBytes} limit ${limitBytes}`,
    ...(drop?.limitPackets === undefined ? [] : [`qdisc replace dev ${device} parent 1:1 handle 10: pfifo limit ${Math.min(NO_LIMIT, drop.limitPackets + 1)}`])
  ]
}

/** The same for delay, jitter and loss: what netem does. None where nothing of it is asked for. */
export function propagationLines (device: string, { delayMs, jitter, reorder = false, loss }: PathDirection): string[] {
  const varies = jitter?.distribution === 'uniform' ? jitter.boundMs : 0
  const lost = lossOptions(loss)
  if (delayMs === 0 && varies === 0 && lost === '') {
    return []
  }
  // Netem's jitter is to both sides of the delay.
  const delay = varies === 0 ? `delay ${delayMs}ms` : `delay ${delayMs + varies / 2}ms ${varies / 2}ms`
  // A rate makes netem a queue that keeps the order; without one each packet leaves when its own delay is over.
  const order = varies === 0 || reorder ? '' : ' rate 1tbit'
  return [`qdisc replace dev ${device} root handle 1: netem limit ${NETEM_LIMIT} ${delay}${lost}${order}`]
}

function lossOptions (loss: PathDirection['loss']): string {
  if (loss?.model === 'bernoulli' && loss.probability > 0) {
    return ` loss random ${loss.probability * 100}%`
  }
  if (loss?.model === 'gilbert-elliott') {
    const { p, r, lossGood, lossBad } = loss
    return ` loss gemodel ${[p, r, lossBad, lossGood].map(share => `${share * 100}%`).join(' ')}`
  }
  return ''
}
