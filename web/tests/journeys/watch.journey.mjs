// A folder that is watched: what is dropped into it, taken out of it, moved away and brought back shows without a reload.
import { copyFileSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { settled } from './lib/browser.mjs'

export const name = 'folders that are watched'
export const library = 'empty'

/** true when `test` holds within half a minute: the server waits until a file has settled. */
async function inTime(test) {
  const end = Date.now() + 30000
  for (;;) {
    if (await test()) return true
    if (Date.now() > end) return false
    await new Promise((r) => setTimeout(r, 100))
  }
}

export async function run({ page, url, server, check, shot, axe, samples, scratch }) {
  const folder = join(scratch, 'garden')
  mkdirSync(folder)
  const pictures = readdirSync(samples).filter((f) => f.endsWith('.jpg'))
  for (const f of pictures.slice(0, 4)) copyFileSync(join(samples, f), join(folder, f))
  await server.stop()
  server.args = ['--allow-root', scratch]
  await server.start()

  await page.goto(`${url}library/folders`)
  await page.getByRole('button', { name: 'Add a folder' }).click()
  await page.getByLabel('Path on the server').fill(folder)
  await page.getByRole('button', { name: 'Add and scan' }).click()
  const row = page.locator('.folder', { hasText: 'garden' })
  await check(inTime(async () => (await row.filter({ hasText: '4 files' }).count()) === 1), 'a folder is added')
  await check(inTime(async () => (await row.getByText('Watched: changes show within seconds').count()) === 1), 'and watched from then on')
  await settled(page)
  await axe('a watched folder')

  copyFileSync(join(samples, pictures[5]), join(folder, pictures[5]))
  await check(inTime(async () => (await row.filter({ hasText: '5 files' }).count()) === 1), 'a file dropped into it is counted without a reload')
  await check(inTime(async () => (await row.getByText(/last change (just now|1 min ago)/).count()) === 1), 'and the row says when something changed')
  await shot('watch-folder')

  await page.getByRole('link', { name: 'Image Search' }).click()
  await page.getByRole('gridcell').first().waitFor()
  await settled(page)
  copyFileSync(join(samples, pictures[6]), join(folder, pictures[6]))
  const hint = page.getByRole('button', { name: /1 new picture/ })
  await check(inTime(async () => (await hint.count()) === 1), 'on Image Search a new picture is offered')
  await hint.click()
  await check(page.getByRole('gridcell', { name: pictures[6] }).waitFor().then(() => true), 'and found')

  await page.goto(`${url}library/folders`)
  await row.waitFor()
  rmSync(join(folder, pictures[6]))
  await check(inTime(async () => (await row.filter({ hasText: '5 files' }).count()) === 1), 'a file taken away is gone from it')
  renameSync(folder, `${folder}-away`)
  await check(inTime(async () => (await row.filter({ hasText: 'Offline' }).count()) === 1), 'a folder moved away is offline')
  await shot('watch-offline')
  renameSync(`${folder}-away`, folder)
  await check(inTime(async () => (await row.getByText(/^Watched/).count()) === 1 && (await row.filter({ hasText: '5 files' }).count()) === 1), 'back again, it is watched as before')

  // Network folders can't be had here: the server's answer is made.
  await page.route('**/api/v1/roots', async (route) => {
    const response = await route.fetch()
    const json = await response.json()
    for (const r of json.roots) r.watch = { ...r.watch, how: 'polled', why: 'lies on nfs4, a file system that does not tell of what others change; looked at every 300 s' }
    await route.fulfill({ response, json })
  })
  await page.reload()
  await check(row.getByText('Network folder: changes are looked for every 5 minutes').waitFor().then(() => true), 'a network folder says how often it is looked at')
  await row.getByText('Why?').click()
  await check(row.getByText(/Lies on nfs4/).isVisible(), 'and why')
  await shot('watch-network')
  await axe('a network folder')
  await page.emulateMedia({ colorScheme: 'dark' })
  await page.setViewportSize({ width: 360, height: 740 })
  await shot('watch-phone-dark')
  await axe('folders on a phone, dark')
}
