// The server is stopped in the middle of an upload, started again, killed, and started again; every file arrives, none twice.
import { readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { api } from './lib/browser.mjs'

export const name = 'server restarted in the middle of an upload'
export const library = 'empty'
const FILES = 120

export async function run({ page, url, server, check, shot, samples, scratch }) {
  // Distinct files from few pictures: bytes after the end of a JPEG change nothing that is seen.
  const jpegs = readdirSync(samples).filter((f) => f.endsWith('.jpg')).map((f) => readFileSync(join(samples, f)))
  const files = Array.from({ length: FILES }, (_, i) => {
    const path = join(scratch, `p${String(i).padStart(3, '0')}.jpg`)
    writeFileSync(path, Buffer.concat([jpegs[i % jpegs.length], Buffer.from(`#${i}`)]))
    return path
  })
  await page.goto(`${url}index`)
  const cdp = await page.context().newCDPSession(page)
  await cdp.send('Network.enable')
  const speed = (bytes) => cdp.send('Network.emulateNetworkConditions', { offline: false, latency: 0, downloadThroughput: -1, uploadThroughput: bytes })
  const total = files.reduce((n, f) => n + statSync(f).size, 0)
  await speed(total / 20) // twenty seconds for all, so that it is stopped in between on slow machines too
  await page.locator('input[type=file]').first().setInputFiles(files)
  const line = page.locator('[data-test=upload-line]')
  await page.waitForFunction(() => document.querySelectorAll('.up.indexed').length >= 5)
  await server.stop()
  const before = await line.innerText()
  await page.getByText('The server does not answer just now').waitFor()
  await shot('restart-away')
  await server.start()
  await page.waitForFunction((n) => document.querySelectorAll('.up.indexed').length > n, await page.locator('.up.indexed').count())
  await server.stop('SIGKILL')
  await server.start()
  await speed(-1)
  await page.waitForFunction(() => /added/.test(document.querySelector('[data-test=upload-line]').textContent), null, { timeout: 60000 })
  await check(/^\d+ of 120/.test(before), `it was stopped in the middle: ${before}`)
  await check(await line.innerText().then((t) => t === `${FILES} pictures added.`), `all arrived: ${await line.innerText()}`)
  const { jobs } = await api(page, '/jobs')
  const sum = (what) => jobs.reduce((n, j) => n + j[what], 0)
  await check(sum('total') === FILES && sum('duplicates') === 0 && jobs.every((j) => j.state === 'done'), `none twice: ${sum('total')} items in ${jobs.length} job, ${sum('duplicates')} duplicates`)
}
