// What streams of one connection send at one instant leaves in the order in which their promises get to it, each write a
// segment, and a slow link makes times of that order. So where js-libp2p spends more microtasks on a step than the model's
// code does, the model lets the difference pass.

/** What `raceSignal` spends beside the awaits of `settled`: it goes by `Promise.race` and `finally`. */
export const RACE_TURNS = 3

/** Lets so many microtasks pass, 1 at least. */
export async function turns (count: number): Promise<void> {
  // The await of this function is the last.
  for (let i = 1; i < count; i++) {
    await Promise.resolve()
  }
}
