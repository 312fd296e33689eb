/** Something that the modules do often. */
export interface Operation {
  readonly name: string
  /** What one call of `run` counts for: messages in a batch, bytes compressed. */
  readonly count?: number
  readonly of?: string
  /** Once. Answers with anything, so that nothing is optimised away. */
  run(): unknown
}
