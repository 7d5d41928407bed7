// Dark as the system says, light when chosen, and the choice is kept.
import { settled } from './lib/browser.mjs'

export const name = 'dark'
export const context = { colorScheme: 'dark' }

export async function run({ page, url, check, shot, axe }) {
  const darkness = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor.match(/\d+/g).slice(0, 3).every((n) => Number(n) < 60))
  for (const view of ['index', 'library', 'settings']) {
    await page.goto(`${url}${view}`)
    await settled(page)
    await axe(`dark ${view}`)
    await shot(`dark-${view}`)
  }
  await check(darkness(), 'dark as the system')
  await page.getByRole('radio', { name: 'Light' }).check()
  await page.reload()
  await page.getByRole('radio', { name: 'Light' }).waitFor()
  await check(darkness().then((dark) => !dark), 'light when chosen, also after a reload')
}
