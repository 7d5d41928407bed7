// What the journeys of Image Search share: where things are on the page.
import { readFileSync } from 'node:fs'
import { basename } from 'node:path'

export const box = (page) => page.getByRole('searchbox')
export const cells = (page) => page.getByRole('gridcell').filter({ has: page.locator('.mark') })
export const cell = (page, name) => page.getByRole('gridcell', { name }).first()
export const nameOf = async (locator) => ((await locator.getAttribute('aria-label')) ?? '').split(',')[0]
/** The first picture of the answer, by its place in the list. */
export const first = (page) => page.locator('[data-index="0"]')
export const active = (page) => page.evaluate(() => document.activeElement?.getAttribute('aria-label') ?? document.activeElement?.tagName)

/** Wait until the page shows what it was asked for last. */
export async function settled(page) {
  await page.waitForTimeout(200)
  await page.waitForFunction(() => !document.querySelector('.busy.on') && (document.querySelector('[data-index="0"]') || document.querySelector('.empty')))
}

export async function ask(page, words) {
  await box(page).fill(words)
  // On a busy machine the pause after typing is longer than it should be: the address changes when it is over.
  await page.waitForFunction((w) => (new URL(location.href).searchParams.get('q') ?? '') === w, words.trim())
  await settled(page)
}

/** Thumbnails in sight have come and faded in. */
export async function painted(page) {
  await page.waitForFunction(() => [...document.querySelectorAll('[role=gridcell] img')].filter((i) => i.getBoundingClientRect().top < innerHeight).every((i) => i.complete))
  await page.waitForTimeout(350)
}

/** true when `test` holds within five seconds. */
export async function soon(test) {
  const end = Date.now() + 5000
  for (;;) {
    if (await test()) return true
    if (Date.now() > end) return false
    await new Promise((r) => setTimeout(r, 40))
  }
}

/** A DataTransfer in the page with the file in it. */
export function carrying(page, file, type = 'image/jpeg') {
  return page.evaluateHandle(
    ([bytes, name, mime]) => {
      const data = new DataTransfer()
      data.items.add(new File([Uint8Array.from(atob(bytes), (c) => c.charCodeAt(0))], name, { type: mime }))
      return data
    },
    [readFileSync(file).toString('base64'), basename(file), type],
  )
}
