import * as z from 'zod'

export const probability = z.number().min(0).max(1)

/** `LossOptions`, as they come from outside. */
export const lossSchema = z.discriminatedUnion('model', [
  z.strictObject({ model: z.literal('bernoulli'), probability }),
  z.strictObject({ model: z.literal('gilbert-elliott'), p: probability, r: probability, lossGood: probability, lossBad: probability }),
  z.strictObject({ model: z.literal('periodic'), every: z.int().positive() }),
  z.strictObject({ model: z.literal('scripted'), packets: z.array(z.int().min(0)) }).check(({ value: { packets }, issues }) => {
    const wrong = packets.findIndex((number, index) => index > 0 && number <= packets[index - 1])
    if (wrong >= 0) {
      issues.push({ code: 'custom', path: ['packets', wrong], message: 'numbers that ascend', input: packets[wrong] })
    }
  })
])
