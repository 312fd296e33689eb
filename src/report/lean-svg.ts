import { shortPath } from './svg-path.ts'

/** What a mark says becomes its tool tip; the figure describes the chart as a whole, so that other roles only repeat it. */
const MARK = / aria-label="([^"]*)" role="graphics-symbol" aria-roledescription="point"/g

/** What the page's style sheet says, what draws nothing, and what is nothing. */
const NEEDLESS = new RegExp([
  '<path class="(?:foreground|background)"[^>]* d=""[^>]*/>', '<path class="background"[^>]* d="M0,0h[\\d.]+v[\\d.]+h-?[\\d.]+Z"[^>]*/>',
  ' (?:xmlns(?::xlink)?|version|role|aria-[a-z]+|font-family|pointer-events|class)="[^"]*"', ' font-size="12px"', ' font-weight="normal"', ' opacity="1"', ' transform="translate\\(0,0\\)"'
].join('|'), 'g')

/** One mark of many: its tip, its place, and the shape and colours that it shares with others. */
const PLACED = /<path data-tip="([^"]*)" transform="translate\(([^,)]*),([^,)]*)\)"( [^>]*)\/>/g

/**
 * Vega's SVG of a chart in a fourth of its text: the same picture, for a tenth of a pixel is as fine as one sees.
 *
 * @param id unique on the page: prefixes the ids that marks get
 */
export function leanSvg (svg: string, id: string): string {
  const lean = svg
    .replaceAll(MARK, ' data-tip="$1"')
    .replaceAll(NEEDLESS, '')
    .replaceAll(/ (?:transform|x1|x2|y1|y2|cx|cy)="[^"]*"/g, (attribute) => attribute.replaceAll(/-?\d+\.\d+/g, (number) => String(Math.round(Number(number) * 10) / 10)))
    .replaceAll(/ d="([^"]*)"/g, (_, path: string) => ` d="${shortPath(path)}"`)
  return shareMarks(withoutBareGroups(lean), id)
}

/** A group without an attribute groups nothing that one sees. */
function withoutBareGroups (svg: string): string {
  const bare: boolean[] = []
  return svg.replaceAll(/<(\/?)g( [^>]*)?>/g, (tag, closing: string, attributes: string | undefined) => {
    if (closing === '') {
      bare.push(attributes === undefined)
      return attributes === undefined ? '' : tag
    }
    return bare.pop() === true ? '' : tag
  })
}

/** Marks of one look are drawn once and then put in their places. */
function shareMarks (svg: string, id: string): string {
  const looks = new Map<string, number>()
  const marks = svg.replaceAll(PLACED, (_, tip: string, x: string, y: string, look: string) => {
    const number = looks.get(look) ?? looks.size
    looks.set(look, number)
    return `<use href="#${id}-mark-${number}" x="${x}" y="${y}" data-tip="${tip}"/>`
  })
  const defined = [...looks].map(([look, number]) => `<path id="${id}-mark-${number}"${look}/>`).join('')
  return defined === '' ? svg : marks.replace(/<svg[^>]*>/, (start) => `${start}<defs>${defined}</defs>`)
}
