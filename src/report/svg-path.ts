/** A move or a line to an absolute place, or the way back to where the last move went. */
const COMMAND = /([ML])(-?[\d.]+)[, ](-?[\d.]+)|Z/g

/**
 * The same path, of moves and straight lines between absolute places (as d3-path writes it), in fewer characters: to a
 * tenth of a unit, each line relative to where the last one ended and in one letter where it is level or upright. Steps
 * become half as long. Tenths do not add up to errors, since each place is rounded before distances are taken.
 *
 * Any other path is returned as it is.
 */
export function shortPath (path: string): string {
  if (path.replaceAll(COMMAND, '') !== '') {
    return path
  }
  let text = ''
  let at = [0, 0]
  let start = [0, 0]
  for (const [command, letter, ...place] of path.matchAll(COMMAND)) {
    if (letter === undefined) {
      text += command
      at = start
      continue
    }
    const to = place.map((coordinate) => Math.round(Number(coordinate) * 10))
    if (letter === 'M') {
      text += `M${pair(to)}`
      start = to
    } else {
      text += line(to[0] - at[0], to[1] - at[1])
    }
    at = to
  }
  return text
}

/** By tenths; a line of no length is drawn all the same, where its ends are round. */
function line (right: number, down: number): string {
  if (down === 0) {
    return `h${tenths(right)}`
  }
  return right === 0 ? `v${tenths(down)}` : `l${pair([right, down])}`
}

function pair ([first, second]: readonly number[]): string {
  return `${tenths(first)}${second < 0 ? '' : ' '}${tenths(second)}`
}

function tenths (count: number): string {
  return String(count / 10).replace(/^(-?)0\./, '$1.')
}
