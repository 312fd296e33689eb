/**
 * Names of hosts of one kind: `hostNames('server', 2)` is `['server-1', 'server-2']`.
 *
 * @param first number; default 1. A host's random stream goes by its name, so other numbers are another draw.
 */
export function hostNames (prefix: string, count: number, first = 1): string[] {
  return Array.from({ length: count }, (_, index) => `${prefix}-${first + index}`)
}
