// A picture as the question: dropped, pasted, chosen, by address; and one that the server no longer has.
import { join } from 'node:path'
import { box, carrying, cell, cells, first, nameOf, painted, settled, soon } from './search-lib.mjs'

export const name = 'search by a picture'

async function drag(page, data, zone) {
  await page.dispatchEvent('body', 'dragenter', { dataTransfer: data })
  await page.getByText('Search by this picture').waitFor()
  await page.dispatchEvent(zone, 'drop', { dataTransfer: data })
}

export async function run({ page, url, check, shot, axe, samples }) {
  await page.goto(url)
  await settled(page)

  const zebra = await carrying(page, join(samples, 'zebra.jpg'))
  await page.dispatchEvent('body', 'dragenter', { dataTransfer: zebra })
  await check((await page.locator('.zone').count()) === 1, 'dragging a picture shows where to let go')
  await shot('search-drop')
  await page.dispatchEvent('.overlay', 'drop', { dataTransfer: zebra })
  await check(soon(async () => (await page.locator('.term').count()) === 1), 'a dropped picture becomes a chip')
  await settled(page)
  await check(soon(async () => (await nameOf(first(page))) === 'zebra.jpg'), 'and brings itself first')
  await painted(page)
  await shot('search-by-picture')
  await axe('search by a picture')

  const link = page.url()
  await page.reload()
  await settled(page)
  await check(link === page.url() && (await nameOf(first(page))) === 'zebra.jpg', 'the address works while the server remembers the picture')

  await drag(page, await carrying(page, join(samples, 'cat.jpg')), '.zone >> nth=1')
  await check(soon(async () => (await page.locator('.term').count()) === 2), 'a second one may be added to the search')
  await settled(page)

  await page.getByRole('button', { name: 'Clear the search' }).click()
  const owl = await carrying(page, join(samples, 'snowy-owl.jpg'))
  await page.evaluate((data) => window.dispatchEvent(new ClipboardEvent('paste', { clipboardData: data, bubbles: true, cancelable: true })), owl)
  await check(soon(async () => (await nameOf(first(page))) === 'snowy-owl.jpg'), 'a pasted picture is searched by')

  await page.getByRole('button', { name: 'Clear the search' }).click()
  await page.locator('input[type=file]').setInputFiles(join(samples, 'penguin.jpg'))
  await check(soon(async () => (await nameOf(first(page))) === 'penguin.jpg'), 'so is a chosen one')
  await check(soon(async () => (await page.locator('.term img').count()) === 1), 'its chip shows it')

  const text = await carrying(page, join(samples, 'README.md'), 'text/plain')
  await page.dispatchEvent('body', 'dragenter', { dataTransfer: text })
  await page.dispatchEvent('.overlay', 'drop', { dataTransfer: text })
  await check(page.getByText('That is not a picture.').waitFor().then(() => true), 'what is not a picture is told')

  await page.getByRole('button', { name: 'Clear the search' }).click()
  await box(page).fill('https://192.0.2.1/red%20car.jpg')
  const offer = page.getByRole('button', { name: /Search by the picture at 192.0.2.1/ })
  await check(offer.waitFor().then(() => true), 'an address in the box is offered, not taken')
  await check((await page.locator('.term').count()) === 0, 'it stays words until then')

  await page.goto(`${url}?term=upload:gone`)
  await check(page.getByText('no longer at hand').waitFor().then(() => true), 'a forgotten picture is told kindly')
  await shot('search-forgotten')
  await page.getByRole('button', { name: 'Go on without it' }).click()
  await check(soon(async () => (await cells(page).count()) > 5), 'and one can go on')
  await cell(page, 'zebra.jpg').waitFor({ state: 'attached', timeout: 1 }).catch(() => undefined)
}
