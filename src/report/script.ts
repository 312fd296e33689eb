/**
 * The page's only script. Everything is there without it; it shows what a mark stands for when pointed at, tapped (the
 * nearest one: marks are smaller than fingers) or, in a chart that has the focus, walked to with the arrow keys. It is part
 * of the page as it stands here, because the page's policy allows exactly this text by its hash.
 */
export const SCRIPT = `
'use strict'
const FINGER = 24
const tip = document.createElement('div')
tip.id = 'tip'
tip.hidden = true
tip.setAttribute('role', 'status')
document.body.append(tip)
const marksOf = chart => [...chart.querySelectorAll('[data-tip]')]
const show = mark => {
  tip.hidden = mark === undefined
  if (mark === undefined) return
  tip.textContent = mark.dataset.tip
  const box = mark.getBoundingClientRect()
  const width = document.documentElement.clientWidth
  tip.style.left = '0'
  tip.style.left = scrollX + Math.max(8, Math.min(width - tip.offsetWidth - 8, box.x + box.width / 2 - tip.offsetWidth / 2)) + 'px'
  tip.style.top = scrollY + box.y - tip.offsetHeight - 6 + 'px'
}
const nearest = (chart, x, y) => {
  const distance = mark => {
    const box = mark.getBoundingClientRect()
    return Math.hypot(box.x + box.width / 2 - x, box.y + box.height / 2 - y)
  }
  const [near] = marksOf(chart).map(mark => [distance(mark), mark]).filter(([far]) => far <= FINGER).sort(([a], [b]) => a - b)
  return near?.[1]
}
document.addEventListener('pointerover', ({ target, pointerType }) => { if (pointerType === 'mouse') show(target.closest('[data-tip]') ?? undefined) })
document.addEventListener('click', ({ target, clientX, clientY }) => {
  const chart = target.closest('.chart,.strip')
  show(target.closest('[data-tip]') ?? (chart === null ? undefined : nearest(chart, clientX, clientY)))
})
for (const chart of document.querySelectorAll('.chart:has([data-tip])')) {
  let at = -1
  chart.tabIndex = 0
  chart.addEventListener('keydown', event => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key]
    if (step === undefined) return
    event.preventDefault()
    const marks = marksOf(chart)
    at = at < 0 ? (step > 0 ? 0 : marks.length - 1) : (at + step + marks.length) % marks.length
    show(marks[at])
  })
  chart.addEventListener('blur', () => {
    at = -1
    show()
  })
}
document.addEventListener('keydown', ({ key }) => { if (key === 'Escape') show() })
`.trim()
