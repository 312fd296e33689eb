/**
 * The page's only script. Everything is there without it; it shows what a mark stands for when pointed at. It is part of
 * the page as it stands here, because the page's policy allows exactly this text by its hash.
 */
export const SCRIPT = `
'use strict'
const tip = document.createElement('div')
tip.id = 'tip'
tip.hidden = true
tip.setAttribute('aria-hidden', 'true')
document.body.append(tip)
document.addEventListener('pointerover', ({ target }) => {
  const mark = target.closest('[data-tip]')
  tip.hidden = mark === null
  if (mark === null) return
  tip.textContent = mark.dataset.tip
  const box = mark.getBoundingClientRect()
  const width = document.documentElement.clientWidth
  tip.style.left = '0'
  tip.style.left = scrollX + Math.max(8, Math.min(width - tip.offsetWidth - 8, box.x + box.width / 2 - tip.offsetWidth / 2)) + 'px'
  tip.style.top = scrollY + box.y - tip.offsetHeight - 6 + 'px'
})
document.addEventListener('keydown', ({ key }) => { if (key === 'Escape') tip.hidden = true })
`.trim()
