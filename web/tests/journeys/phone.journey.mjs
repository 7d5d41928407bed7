// A phone of 360 pixels: the bar is at the bottom, nothing sticks out.
import { overflow, settled } from './lib/browser.mjs'

export const name = 'phone'
export const context = { viewport: { width: 360, height: 740 }, isMobile: true, hasTouch: true, deviceScaleFactor: 2 }

export async function run({ page, url, check, shot, axe }) {
  for (const view of ['index', 'library', 'settings']) {
    await page.goto(`${url}${view}`)
    await settled(page)
    await check(overflow(page).then((n) => n <= 0), `nothing sticks out: ${view}`)
    await axe(`phone ${view}`)
    await shot(`phone-${view}`)
  }
  const bar = await page.getByRole('navigation').boundingBox()
  await check(bar.y + bar.height >= 739 && bar.width === 360, 'the bar is at the bottom')
  await page.getByRole('link', { name: 'Index Image' }).tap()
  await check(page.getByRole('heading', { name: 'Index Image', level: 1 }).waitFor().then(() => true), 'and leads on')
}
