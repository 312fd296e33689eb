/** Ticks of delay from which on the wheel rounds to 8, and again 8 times as many to 64, and so on. */
const FINE_TICKS = 63
const COARSENING = 8

/**
 * When a timer set at `nowNs` for `delayNs` fires. With ticks of 0 ns: then, in whole nanoseconds. Otherwise as in Linux: the delay is
 * rounded up to whole ticks, counted from the tick that has begun; the timer wheel never fires early and keeps far timers in
 * coarser slots, so that a timeout of 1 s at 250 ticks a second comes up to 32 ms late.
 */
export function timerExpiryNs (nowNs: number, delayNs: number, tickNs: number): number {
  if (tickNs === 0 || delayNs === Infinity) {
    return Math.ceil(nowNs + delayNs)
  }
  const ticks = Math.ceil(delayNs / tickNs)
  let slotTicks = 1
  while (ticks >= FINE_TICKS * slotTicks) {
    slotTicks *= COARSENING
  }
  const expiry = Math.floor(nowNs / tickNs) + ticks
  return (Math.floor(expiry / slotTicks) + 1) * slotTicks * tickNs
}
