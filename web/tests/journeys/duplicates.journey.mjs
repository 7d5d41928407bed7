// The same picture more than once: same file, near duplicates, similar; what can be done about them.
import { execFileSync } from 'node:child_process'
import { copyFileSync, existsSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { api, overflow, settled } from './lib/browser.mjs'
import { soon } from './search-lib.mjs'

export const name = 'duplicates'

/** The picture drawn again by the browser. */
async function redraw(page, file, type, quality, scale) {
  const data = `data:image/jpeg;base64,${readFileSync(file).toString('base64')}`
  const out = await page.evaluate(
    async ([src, mime, q, by]) => {
      const image = Object.assign(new Image(), { src })
      await image.decode()
      const canvas = Object.assign(document.createElement('canvas'), { width: Math.round(image.width * by), height: Math.round(image.height * by) })
      const ink = canvas.getContext('2d')
      ink.imageSmoothingQuality = 'high'
      ink.drawImage(image, 0, 0, canvas.width, canvas.height)
      return canvas.toDataURL(mime, q)
    },
    [data, type, quality, scale],
  )
  return Buffer.from(out.slice(out.indexOf(',') + 1), 'base64')
}

const group = (page, name) => page.locator('.dup', { has: page.getByRole('heading', { name }) })
const kind = (page, name) => page.getByRole('navigation', { name: 'Kind of duplicate' }).getByRole('link', { name, exact: true })
const painted = (page) => soon(() => page.evaluate(() => [...document.querySelectorAll('.dup img')].filter((i) => i.getBoundingClientRect().top < innerHeight).every((i) => i.complete && i.naturalWidth)))

export async function run({ page, url, server, check, shot, axe, samples, scratch }) {
  await page.goto(`${url}library`)
  await page.getByRole('link', { name: 'Duplicates', exact: true }).click()
  await check(page.getByText('No file is in the library’s folders twice').waitFor().then(() => true), 'a library without duplicates says so')
  await shot('dup-none')
  await axe('no duplicates')

  await page.goto('about:blank')
  const picture = (f) => join(samples, f)
  copyFileSync(picture('zebra.jpg'), join(scratch, 'zebra-copy.jpg'))
  writeFileSync(join(scratch, 'dahlia-again.jpg'), await redraw(page, picture('dahlia.jpg'), 'image/jpeg', 0.6, 1))
  writeFileSync(join(scratch, 'dahlia-small.png'), await redraw(page, picture('dahlia.jpg'), 'image/png', 1, 0.5))
  writeFileSync(join(scratch, 'fox-small.jpg'), await redraw(page, picture('fox.jpg'), 'image/jpeg', 0.8, 0.6))
  const late = (await redraw(page, picture('rose.jpg'), 'image/webp', 0.7, 0.5)).toString('base64')
  await server.stop()
  execFileSync(server.program, ['--library', server.library, 'index', scratch], { stdio: 'pipe' })
  await server.start()

  // The same file.
  await page.goto(`${url}library/duplicates`)
  const zebra = group(page, /^zebra/)
  await check(zebra.filter({ hasText: 'identical bytes' }).waitFor().then(() => true), 'the same bytes in two places are one group')
  await check((await page.locator('.dup').count()) === 1, 'which holds nothing that only looks the same')
  await check((await zebra.locator('.dup-places li').count()) === 2 && (await zebra.getByText('best', { exact: true }).count()) === 1, 'with both places, one of them the best')
  await check(zebra.getByText(/could be freed/).count().then((n) => n === 1), 'and what could be freed')
  await check((await zebra.getByRole('checkbox').count()) === 0, 'forgetting is not offered: the library has it once')
  await painted(page)
  await shot('dup-same')
  await axe('same file')
  await page.context().grantPermissions(['clipboard-read', 'clipboard-write'])
  await zebra.getByRole('button', { name: 'Copy paths of the others' }).click()
  const copied = await page.evaluate(() => navigator.clipboard.readText())
  await check(copied.endsWith('.jpg') && copied.includes('zebra') && !copied.includes('\n'), 'the other’s path can be copied')

  // Near duplicates.
  await kind(page, 'Near duplicates').click()
  const dahlia = group(page, /^dahlia/)
  await dahlia.waitFor()
  await check((await dahlia.locator('.tile').count()) === 3, 'a picture compressed again and a smaller one are found with the original')
  await check(dahlia.locator('.tile').first().filter({ hasText: 'dahlia.jpg' }).getByText('best', { exact: true }).count().then((n) => n === 1), 'the original is the best')
  await check((await dahlia.getByText('recompressed').count()) === 1 && (await dahlia.getByText('smaller, as PNG').count()) === 1, 'each says how it differs')
  await check((await group(page, /^zebra/).count()) === 0, 'the same file is not among them')
  await check(soon(async () => dahlia.locator('img').evaluateAll((all) => all.every((i) => Math.abs(i.naturalWidth / i.naturalHeight - i.clientWidth / i.clientHeight) < 0.05))), 'in their true shapes')
  await painted(page)
  await shot('dup-near')
  await axe('near duplicates')

  await dahlia.getByRole('button', { name: 'Open dahlia.jpg' }).click()
  const viewer = page.getByRole('dialog', { name: 'Picture dahlia.jpg' })
  await viewer.waitFor()
  await page.keyboard.press('ArrowRight')
  await check(page.getByRole('dialog', { name: /Picture dahlia-/ }).waitFor().then(() => true), 'the viewer goes through the group')
  await page.waitForTimeout(400)
  await shot('dup-viewer')
  await page.keyboard.press('Escape')
  await check(soon(async () => (await page.locator('dialog').count()) === 0 && new URL(page.url()).pathname.endsWith('/duplicates')), 'and leads back')

  const slider = page.getByRole('slider')
  const groups = await page.locator('.dup').count()
  await slider.focus()
  await page.keyboard.press('Home')
  await check(soon(async () => new URL(page.url()).searchParams.get('loose') === '0'), 'the slider is part of the address')
  await check(soon(async () => (await page.locator('.duplicates-list.busy').count()) === 0), 'the list follows it')
  const strict = await page.locator('.tile').count()
  await page.keyboard.press('End')
  await check(soon(async () => (await page.locator('.tile').count()) > strict || strict >= 3), 'looser finds no less')
  await page.getByRole('button', { name: 'As usual' }).click()
  await check(soon(async () => (await page.locator('.dup').count()) === groups && !new URL(page.url()).searchParams.has('loose')), 'and back to usual')

  // Forget one: the dialog says what happens; the file stays.
  const before = (await api(page, '/status')).pictures
  await group(page, /^fox/).getByRole('checkbox', { name: 'fox-small.jpg' }).check()
  await check(page.getByRole('region', { name: 'Selection' }).getByText(/1 picture selected/).count().then((n) => n === 1), 'pictures can be picked out')
  await shot('dup-picked')
  await page.getByRole('button', { name: 'Forget …' }).click()
  await check(page.getByText(/Its file stays on disk where it is/).waitFor().then(() => true), 'the question says what happens to the file')
  await shot('dup-forget')
  await axe('forget dialog')
  await page.getByRole('button', { name: 'Forget', exact: true }).click()
  await check(soon(async () => (await group(page, /^fox/).count()) === 0), 'forgotten, its group is gone')
  await check((await page.getByRole('button', { name: /look again/ }).count()) === 0, 'one’s own doing is no news')
  await check((await api(page, '/status')).pictures === before - 1 && existsSync(join(scratch, 'fox-small.jpg')), 'one picture fewer in the library, no file fewer on disk')

  await page.evaluate(async (bytes) => {
    const form = new FormData()
    form.append('file', new Blob([Uint8Array.from(atob(bytes), (c) => c.charCodeAt(0))]), 'late.webp')
    await fetch('api/v1/images?close=true', { method: 'POST', body: form })
  }, late)
  await check(page.getByRole('button', { name: 'The library changed: look again' }).waitFor().then(() => true), 'a picture that comes meanwhile is told')

  // Similar ones.
  await kind(page, 'Similar').click()
  await settled(page)
  await soon(async () => (await page.locator('.dup, .empty').count()) > 0)
  await check(page.evaluate(() => [...document.querySelectorAll('.dup-mark:not(.best)')].every((e) => /^\d+ % alike$/.test(e.textContent))), 'similar ones say how much they are alike')
  await slider.focus()
  await page.keyboard.press('End')
  await check(soon(async () => (await page.locator('.dup').count()) > 0 && (await page.locator('.duplicates-list.busy').count()) === 0), 'looser, there are some')
  await painted(page)
  await shot('dup-similar')
  await axe('similar')

  await page.route('**/api/v1/duplicates*', (route) => route.abort())
  await kind(page, 'Near duplicates').click()
  await check(page.getByText('The comparison failed').waitFor().then(() => true), 'a failure says so')
  await shot('dup-failed')
  await page.unroute('**/api/v1/duplicates*')
  await page.getByRole('button', { name: 'Try again' }).click()
  await check(dahlia.waitFor().then(() => true), 'and can be tried again')

  await page.emulateMedia({ colorScheme: 'dark' })
  await page.setViewportSize({ width: 360, height: 740 })
  for (const which of ['Same file', 'Near duplicates']) {
    await kind(page, which).click()
    await page.locator('.dup').first().waitFor()
    await painted(page)
    await check(overflow(page).then((n) => n <= 0), `nothing sticks out on a phone: ${which}`)
    await shot(`dup-phone-${which === 'Same file' ? 'same' : 'near'}`)
  }
  await axe('duplicates on a phone, dark')
  await check(statSync(join(scratch, 'zebra-copy.jpg')).size > 0, 'no file was touched')
}
