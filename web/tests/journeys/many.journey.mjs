// Four hundred files: the list stays light, the drop can be cancelled.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { api } from './lib/browser.mjs'

export const name = 'many files, cancelled'
export const library = 'empty'
const FILES = 400

export async function run({ page, url, check, shot, axe, scratch }) {
  const pixel = Buffer.from('iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==', 'base64')
  const files = Array.from({ length: FILES }, (_, i) => {
    const path = join(scratch, `f${String(i).padStart(3, '0')}.png`)
    writeFileSync(path, Buffer.concat([pixel, Buffer.alloc(4000, i)]))
    return path
  })
  await page.goto(`${url}index`)
  const cdp = await page.context().newCDPSession(page)
  await cdp.send('Network.enable')
  await cdp.send('Network.emulateNetworkConditions', { offline: false, latency: 0, downloadThroughput: -1, uploadThroughput: 2e5 })
  await page.locator('input[type=file]').first().setInputFiles(files)
  await page.locator('.virtual').waitFor()
  const rows = await page.locator('.virtual li').count()
  await check(rows > 0 && rows < 60, `of ${FILES} rows ${rows} are in the document`)
  await check(page.locator('.virtual li').first().getAttribute('aria-setsize').then((n) => n === String(FILES)), 'and say how many there are')
  await page.locator('.virtual').evaluate((box) => (box.scrollTop = box.scrollHeight))
  await check(page.getByText('f399.png').waitFor().then(() => true), 'the last one can be reached')
  await axe('many files')
  await shot('many')
  await page.getByRole('button', { name: 'Cancel', exact: true }).click()
  await page.locator('[data-test=upload-line]', { hasText: /\d+ cancelled\./ }).waitFor()
  await page.waitForTimeout(500)
  const { jobs } = await api(page, '/jobs')
  await check(jobs.length === 1 && jobs[0].state === 'cancelled' && jobs[0].total < FILES, `the job is cancelled after ${jobs[0]?.total} files`)
}
