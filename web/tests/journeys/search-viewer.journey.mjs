// The open picture: what is known, why it matched, zoom, neighbours, removal; and the selection as a zip.
import { readFileSync } from 'node:fs'
import { ask, cell, first, nameOf, settled, soon } from './search-lib.mjs'

export const name = 'viewer and selection'

export async function run({ page, url, check, shot, axe, context }) {
  await context.grantPermissions(['clipboard-read', 'clipboard-write'])
  await page.goto(`${url}?q=bird&term=-0.5*words:snow`)
  await settled(page)
  await cell(page, 'nuthatch.jpg').click()
  const viewer = page.locator('dialog.viewer')
  await viewer.waitFor()
  const info = page.getByRole('complementary', { name: 'About this picture' })
  await check(info.getByText('2021', { exact: false }).first().waitFor().then(() => true), 'says when it was taken')
  await check((await info.getByText(/samples\/nuthatch\.jpg/).count()) >= 1, 'and where it lies')
  await check(soon(async () => (await info.locator('.reasons li').count()) === 2), 'and what each part of the query did')
  await check(soon(async () => /%/.test(await info.locator('.reasons').innerText())), 'in numbers')
  await check(soon(async () => page.locator('.stage img.sharp').evaluate((i) => i.complete && i.naturalWidth > 0 && i.src.includes('/original'))), 'the original is shown')
  await check(soon(async () => (await page.locator('.strip button').count()) >= 8), 'with its neighbours')
  await page.waitForTimeout(400)
  await shot('search-viewer')
  await axe('viewer')

  const scale = () => page.locator('.stage .picture').evaluate((e) => new DOMMatrix(getComputedStyle(e).transform).a)
  await page.keyboard.press('+')
  await check((await scale()) > 1.2, '+ zooms in')
  await page.keyboard.press('0')
  await check((await scale()) === 1, '0 fits')
  await page.locator('.stage').dblclick()
  await check((await scale()) > 1, 'a double click zooms in')
  await page.locator('.stage').dblclick()

  await info.getByRole('button', { name: 'Copy path' }).first().click()
  await check(soon(async () => (await page.evaluate(() => navigator.clipboard.readText())).endsWith('samples/nuthatch.jpg')), 'the path can be copied')
  const [download] = await Promise.all([page.waitForEvent('download'), info.getByRole('link', { name: 'Download' }).click()])
  await check(download.suggestedFilename() === 'nuthatch.jpg', 'the original can be downloaded')

  const view = new URL(page.url()).searchParams.get('view')
  await page.keyboard.press('ArrowRight')
  await check(soon(async () => new URL(page.url()).searchParams.get('view') !== view), 'arrow right shows the next')
  await page.locator('.strip button').first().click()
  await check(soon(async () => (await page.locator('.stage img.sharp').count()) === 1), 'a neighbour opens')
  await page.goBack()
  await check(soon(async () => (await viewer.count()) === 0), 'Back closes the picture')

  await ask(page, 'rubber duck')
  await first(page).click()
  await viewer.waitFor()
  const gone = await info.getByRole('heading').first().innerText()
  await info.getByRole('button', { name: 'Remove', exact: true }).click()
  await check(page.getByText('the file stays where it is').waitFor().then(() => true), 'removing says what happens to the file')
  await shot('search-remove')
  await page.getByRole('dialog', { name: /^Remove / }).last().getByRole('button', { name: 'Remove', exact: true }).click()
  await check(soon(async () => (await viewer.count()) === 0 && (await nameOf(first(page))) !== gone), 'and it is gone from the results')

  await page.goto(`${url}?q=clock`)
  await settled(page)
  for (const i of [0, 2]) {
    const c = page.locator(`[data-index="${i}"]`)
    await c.hover()
    await c.getByRole('button', { name: 'Select' }).click(i ? { modifiers: ['Shift'] } : {})
  }
  await check((await page.getByText('3 pictures selected').count()) === 1, 'click and shift-click select a range')
  await shot('search-selection')
  await axe('selection')
  const [zip] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: 'Zip' }).click()])
  const bytes = readFileSync(await zip.path())
  const entries = bytes.toString('latin1').split('PK\x01\x02').length - 1
  await check(bytes.subarray(0, 2).toString() === 'PK' && entries === 3, `the zip holds ${entries} pictures`)
  await page.getByRole('button', { name: 'Copy paths' }).click()
  await check(soon(async () => (await page.evaluate(() => navigator.clipboard.readText())).split('\n').length === 3), 'paths can be copied')
  await page.getByRole('button', { name: 'More like these' }).click()
  await check(soon(async () => new URL(page.url()).searchParams.getAll('term').length === 3), 'the selection is a question too')
}
