/** IP bytes of a host in both directions; for a stretch of time two counts of `Host.traffic` are subtracted. */
export function wireBytes ({ sentBytes, receivedBytes }: { readonly sentBytes: number, readonly receivedBytes: number }): number {
  return sentBytes + receivedBytes
}
