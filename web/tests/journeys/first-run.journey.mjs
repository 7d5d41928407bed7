// An empty library explains itself; the samples are indexed while one watches.
import { api } from './lib/browser.mjs'

export const name = 'first run'
export const library = 'empty'

export async function run({ page, url, check, shot, axe }) {
  await page.goto(`${url}index`)
  await page.getByRole('heading', { name: 'Find any picture by what it shows' }).waitFor()
  await axe('Index Image of an empty library')
  await shot('first-run')
  await page.evaluate(() => (window.stillHere = true))
  await page.getByRole('button', { name: 'Index the sample pictures' }).click()
  await page.getByRole('progressbar').first().waitFor()
  await shot('first-run-progress')
  await page.getByText(/\d+ (pictures added|new)/).waitFor({ timeout: 30000 })
  const status = await api(page, '/status')
  await check(status.pictures >= 50 && status.failures === 0, `the samples are in the library (${status.pictures})`)
  await check(await page.evaluate(() => window.stillHere === true), 'without a reload')
  await check(await page.locator('.nav-foot').innerText().then((t) => t === `${status.pictures} pictures`), 'the sidebar counts along')
  await check(status.samples === false, 'the samples are offered once')
  await shot('first-run-done')
}
