// copy.ts - text to the clipboard. navigator.clipboard needs https or localhost; a page on the home network has neither.
export async function copyText(text: string): Promise<void> {
  try {
    await navigator.clipboard.writeText(text)
  } catch {
    if (!copyOldWay(text)) throw new Error('The browser does not let this page copy.')
  }
}

function copyOldWay(text: string): boolean {
  const host = document.querySelector('dialog[open]') ?? document.body
  const before = document.activeElement as HTMLElement | null
  const area = document.createElement('textarea')
  area.value = text
  area.className = 'visually-hidden'
  host.append(area)
  area.select()
  const done = document.execCommand('copy')
  area.remove()
  before?.focus({ preventScroll: true })
  return done
}
