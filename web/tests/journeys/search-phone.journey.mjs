// 360 pixels wide, fingers only.
import { ask, cell, painted, settled, soon } from './search-lib.mjs'

export const name = 'on a phone'
export const context = { viewport: { width: 360, height: 740 }, deviceScaleFactor: 2, isMobile: true, hasTouch: true }

export async function run({ page, url, check, shot, axe }) {
  const fits = () => page.evaluate(() => document.documentElement.scrollWidth <= innerWidth)
  await page.goto(url)
  await settled(page)
  await check(fits(), 'nothing sticks out sideways')
  await ask(page, 'brown purse')
  await painted(page)
  await check((await page.locator('.grid-row').first().locator('.cell').count()) >= 2, 'two or more pictures beside each other')
  await shot('search-phone')
  await axe('phone')
  const sharp = await page.locator('.cell img').first().getAttribute('src')
  await check(/size=(256|512)/.test(sharp), 'thumbnails have the size that the screen can show')
  await page.getByRole('button', { name: 'Filters', exact: true }).tap()
  await check(fits(), 'neither with filters')
  await shot('search-phone-filters')
  await page.getByRole('button', { name: 'Filters', exact: true }).tap()
  await cell(page, 'brown-purse.jpg').tap()
  await page.locator('dialog.viewer').waitFor()
  await page.waitForTimeout(500)
  await shot('search-phone-viewer')
  await page.getByRole('button', { name: /Details/ }).tap()
  await check(page.getByText('Each part alone').or(page.getByText('Match', { exact: true })).first().waitFor().then(() => true), 'details open below')
  await page.waitForTimeout(300)
  await shot('search-phone-details')
  await axe('phone, viewer')
  await page.goBack()
  await check(soon(async () => (await page.locator('dialog.viewer').count()) === 0), 'Back closes the picture')
}
