// Every view on a desk, with axe; the weight of the first load; the keyboard's way in.
import { settled } from './lib/browser.mjs'

export const name = 'every view'

export async function run({ page, url, check, shot, axe }) {
  const sizes = [] // promises: the last may be known a moment after the page has settled
  page.on('response', (r) => {
    const { pathname } = new URL(r.url())
    if (!pathname.includes('/api/')) sizes.push(r.request().sizes().catch(() => ({ responseBodySize: 0 })))
  })
  await page.goto(url)
  await settled(page)
  const bytes = (await Promise.all(sizes)).reduce((sum, size) => sum + size.responseBodySize, 0)
  await check(bytes > 20e3 && bytes < 150e3, `the page's files at first load: ${(bytes / 1000).toFixed(0)} kB of 150`)

  await page.goto(`${url}library`)
  await settled(page)
  await page.keyboard.press('Tab')
  await check(page.evaluate(() => document.activeElement?.className === 'skip'), 'the first Tab offers to skip to the content')
  await page.keyboard.press('Enter')
  await check(page.evaluate(() => document.activeElement?.id === 'main'), 'and does')

  for (const view of ['index', 'library', 'settings']) {
    await page.goto(`${url}${view}`)
    await settled(page)
    await axe(view)
    await shot(`desk-${view}`)
  }
  await page.setViewportSize({ width: 900, height: 700 })
  await page.goto(`${url}library`)
  await settled(page)
  await shot('tablet-library')
  await page.setViewportSize({ width: 3840, height: 2160 })
  await page.goto(`${url}index`)
  await settled(page)
  await shot('4k-index')
}
