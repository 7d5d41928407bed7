// A folder of the server is added, scanned, seen offline and back, and taken out; its files stay.
import { copyFileSync, existsSync, mkdirSync, readdirSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { api, settled } from './lib/browser.mjs'

export const name = 'folders on the server'
export const library = 'empty'

export async function run({ page, url, server, check, shot, axe, samples, scratch }) {
  const folder = join(scratch, 'holiday')
  mkdirSync(folder)
  for (const f of readdirSync(samples).filter((f) => f.endsWith('.jpg')).slice(0, 8)) copyFileSync(join(samples, f), join(folder, f))
  writeFileSync(join(folder, 'broken.png'), 'no picture at all')
  await server.stop()
  server.args = ['--allow-root', scratch]
  await server.start()

  await page.goto(`${url}index`)
  await page.getByRole('button', { name: 'Add a folder' }).click()
  await page.getByLabel('Path on the server').fill('/etc')
  await page.getByRole('button', { name: 'Add and scan' }).click()
  await check(page.getByRole('alert').filter({ hasText: /\w/ }).waitFor().then(() => true), 'a folder outside what is allowed is refused with a reason')
  await axe('dialog: add a folder')
  await shot('folders-add')
  await page.getByLabel('Path on the server').fill(folder)
  await page.getByRole('button', { name: 'Add and scan' }).click()
  await page.getByText('8 new').waitFor()
  const row = page.locator('.folder', { hasText: 'holiday' })
  await check(row.filter({ hasText: /8 files, 1 failed/ }).waitFor().then(() => true), 'the folder is listed with what it holds')
  await axe('Index Image with a folder')
  await shot('folders')

  await row.getByRole('link', { name: '1 failed' }).click()
  await check(page.locator('.failure', { hasText: 'broken.png' }).waitFor().then(() => true), 'its failure is in the Library')
  await page.getByRole('button', { name: 'Retry all' }).click()
  await check(page.locator('.job', { hasText: 'Retrying what failed' }).filter({ hasText: '1 failed' }).waitFor().then(() => true), 'and can be tried again')

  renameSync(folder, `${folder}-away`)
  await page.goto(`${url}index`)
  await check(row.filter({ hasText: 'Offline' }).waitFor().then(() => true), 'a folder that is away is offline')
  await check(api(page, '/status').then((s) => s.pictures === 8), 'and keeps its pictures')
  await settled(page)
  await shot('folders-offline')
  renameSync(`${folder}-away`, folder)
  await page.reload()
  await row.getByRole('button', { name: 'Scan now' }).click()
  await check(page.getByText('8 unchanged').waitFor().then(() => true), 'back again, nothing is done twice')
  await row.getByRole('button', { name: /Take .* out/ }).click()
  await page.getByRole('button', { name: 'Take it out', exact: true }).click()
  await row.waitFor({ state: 'detached' })
  await check(existsSync(join(folder, 'broken.png')), 'taken out of the library, its files stay')
  await check(api(page, '/status').then((s) => s.pictures === 0), 'its pictures are no longer found')
}
