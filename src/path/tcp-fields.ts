import * as z from 'zod'

/** Of the options of TCP those that a path's measurement asks for; docs/tcp.md has them all. */
export const pathTcpSchema = z.strictObject({
  /** What is not said here: as Linux does, or as the RFCs say. */
  preset: z.enum(['linux', 'rfc']).default('linux'),
  /** Whether connections ask for ECN. Marks take a queue that sets them. Default: the preset's, which only agrees to it. */
  ecn: z.enum(['off', 'accept', 'on']).optional(),
  /** Whether Reno and CUBIC pace. Default: the preset's, which do not. */
  pacing: z.boolean().optional(),
  /** How CUBIC leaves its first slow start. Default: the preset's. */
  hystart: z.enum(['classic', 'plus-plus', 'off']).optional()
})
