// Pictures by their file names: a row above the grid, by keys, into the viewer and back; where it is not; phone and dark.
import { active, ask, box, cells, painted, settled, soon } from './search-lib.mjs'
import { overflow } from './lib/browser.mjs'

export const name = 'pictures by file name'
export const context = { colorScheme: 'dark' }

export async function run({ page, url, check, shot, axe }) {
  const named = page.getByRole('region', { name: 'In the file name' })
  const there = (n) => soon(async () => (await named.getByRole('button').count()) === n)

  await page.goto(`${url}?q=coming+soon`)
  await settled(page)
  await check(there(2), 'a shared link shows both files named "coming soon"')
  await painted(page)
  await shot('search-named-dark')
  await axe('file names, dark')

  await box(page).focus()
  const grid = await page.locator('.grid').boundingBox()
  await ask(page, 'two men playing guitar')
  await check(there(0), 'words that are in no name bring no row')
  await check(soon(async () => (await page.locator('.grid').boundingBox()).y < grid.y), 'and take no room')
  await ask(page, 'ysl')
  await check(there(1), 'typing brings the row')

  const button = named.getByRole('button', { name: /^ysl-/ })
  const label = await button.getAttribute('aria-label')
  for (let i = 0; i < 12 && (await active(page)) !== label; i++) await page.keyboard.press('Tab')
  await check((await active(page)) === label, 'Tab comes to it')
  await page.keyboard.press('Enter')
  const viewer = page.getByRole('dialog', { name: `Picture ${label}` })
  await check(viewer.waitFor().then(() => true), 'Enter opens it in the viewer')
  await page.keyboard.press('Escape')
  await check(soon(async () => (await viewer.count()) === 0 && (await active(page)) === label), 'Escape leads back to it')
  await page.keyboard.press('ArrowDown')
  await check(soon(async () => page.evaluate(() => document.activeElement?.getAttribute('data-index') === '0')), 'an arrow leads on to the grid')

  await ask(page, 'coming soon')
  await there(2)
  await named.getByRole('button').first().focus()
  await page.keyboard.press('ArrowRight')
  await check((await active(page)) === (await named.getByRole('button').nth(1).getAttribute('aria-label')), 'arrows walk along the row')

  await page.getByRole('button', { name: 'Filters', exact: true }).click()
  await page.getByLabel('File name', { exact: true }).fill('watch')
  await settled(page)
  await check(soon(async () => (await cells(page).count()) === 2), 'the filter by file name leaves the two watches')
  await check(there(0), 'and asks for no other name')
  await check(new URL(page.url()).searchParams.get('name') === 'watch', 'the address holds it')
  await page.getByRole('button', { name: 'Remove filter: file name watch' }).click()
  await check(there(2), 'without it the row is back')
  await page.getByRole('button', { name: 'Filters', exact: true }).click()

  await page.route('**/api/v1/search', (route) => (route.request().postData()?.includes('"name"') ? route.abort() : route.continue()))
  await ask(page, 'pink clutch')
  await check((await cells(page).count()) > 5 && (await there(0)), 'a failed question by name does not disturb the results')
  await page.unroute('**/api/v1/search')

  let release
  const held = new Promise((r) => (release = r))
  await page.route('**/api/v1/search', async (route) => {
    if (route.request().postData()?.includes('"name"')) await held
    await route.continue().catch(() => undefined)
  })
  await ask(page, 'brown purse')
  await page.mouse.wheel(0, 700)
  await soon(() => page.evaluate(() => scrollY > 300))
  const late = page.waitForResponse((r) => r.request().postData()?.includes('"name"') ?? false)
  release()
  await late
  await page.waitForTimeout(500)
  await check((await named.count()) === 0, 'an answer that comes late moves nothing below the top')
  await page.evaluate(() => scrollTo(0, 0))
  await check(there(1), 'at the top it is there')
  await page.unroute('**/api/v1/search')

  await page.setViewportSize({ width: 390, height: 844 })
  await ask(page, 'pink clutch')
  await check(there(2), 'on a phone too')
  await check((await overflow(page)) <= 0, 'nothing sticks out at the side')
  await painted(page)
  await shot('search-named-phone')
  await axe('file names on a phone')
}
