// Twelve pictures and a folder with a broken file are dropped; progress is seen without a reload, the broken one says why.
import { execFileSync } from 'node:child_process'
import { copyFileSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { api, drop } from './lib/browser.mjs'

export const name = 'drop twelve pictures and a folder'
export const library = 'empty'

export async function run({ page, url, check, shot, axe, samples, scratch }) {
  const names = readdirSync(samples).filter((f) => /\.(jpg|png|webp)$/.test(f))
  const album = join(scratch, 'album')
  mkdirSync(join(album, 'day 2'), { recursive: true })
  for (const f of names.slice(12, 16)) copyFileSync(join(samples, f), join(album, f))
  for (const f of names.slice(16, 19)) copyFileSync(join(samples, f), join(album, 'day 2', f))
  copyFileSync(join(samples, names[0]), join(album, 'the same again.jpg'))
  writeFileSync(join(album, 'notes.txt'), 'not a picture')
  const whole = readFileSync(join(samples, names[0]))
  writeFileSync(join(album, 'broken.jpg'), whole.subarray(0, whole.length / 2))

  await page.goto(`${url}index`)
  await page.getByRole('button', { name: 'Choose pictures' }).waitFor()
  await page.evaluate(() => (window.stillHere = true))
  await drop(page, [...names.slice(0, 12).map((f) => join(samples, f)), album])
  const line = page.locator('[data-test=upload-line]')
  await line.waitFor()
  const seen = new Set()
  for (const end = Date.now() + 30000; Date.now() < end; await page.waitForTimeout(30)) {
    const text = await line.innerText()
    seen.add(text)
    if (/added/.test(text)) break
  }
  await check([...seen].some((t) => /^\d+ of 21 files/.test(t)), `progress was seen: ${[...seen].slice(0, 3).join(' | ')}`)
  await check(await line.innerText().then((t) => t === '19 pictures added, 1 in the library already, 1 failed.'), `the outcome: ${await line.innerText()}`)
  await check(await page.evaluate(() => window.stillHere === true), 'without a reload')

  const failure = page.locator('.up.failed')
  await check(await failure.count().then((n) => n === 1), 'one file failed')
  await check(await failure.innerText().then((t) => t.includes('album/broken.jpg') && /\w+.*\..*retry/is.test(t)), `with its reason and what to do: ${(await failure.innerText()).replaceAll('\n', ' ')}`)
  await check(await page.getByText('1 other file in the folder left out').isVisible(), 'what is no picture was left out, and it says so')
  await check(await page.locator('.up.indexed img').first().evaluate((img) => img.decode().then(() => img.naturalWidth > 0)), 'thumbnails are there')
  await axe('Index Image with outcome')
  await shot('upload-done')

  await page.getByRole('button', { name: 'Retry it' }).click()
  await page.waitForFunction(() => document.querySelectorAll('.up.failed').length === 1 && /1 failed/.test(document.querySelector('[data-test=upload-line]').textContent))
  await check(await api(page, '/status').then((s) => s.pictures === 19), 'a retry of what is broken adds nothing')

  const zip = join(scratch, 'three.zip')
  execFileSync('python3', ['-m', 'zipfile', '-c', zip, ...names.slice(20, 23).map((f) => join(samples, f))])
  await page.locator('input[type=file]').first().setInputFiles(zip)
  await page.locator('.up', { hasText: names[22] }).filter({ hasText: 'Indexed' }).waitFor()
  await check(page.locator('.nav-foot', { hasText: '22 pictures' }).waitFor().then(() => true), 'a zip stands for the pictures in it')
  await shot('upload-zip')

  await page.goto(`${url}library`)
  await page.getByRole('heading', { name: 'What was done' }).waitFor()
  await page.locator('.job').first().waitFor()
  await axe('Library')
  await shot('library')
}
