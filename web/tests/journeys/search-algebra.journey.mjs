// More like this, less like this, words taken away, weights: and the address that holds it all, shared and walked back.
import { ask, box, cell, cells, first, nameOf, painted, settled, soon } from './search-lib.mjs'

export const name = 'add, subtract, weigh, share and go back'

const params = (page) => new URL(page.url()).searchParams
const terms = (page) => params(page).getAll('term')
const order = (page) => cells(page).evaluateAll((all) => all.sort((a, b) => a.dataset.index - b.dataset.index).map((e) => e.getAttribute('aria-label').split(',')[0]).join())

export async function run({ page, url, check, shot, axe, context }) {
  await page.goto(url)
  await settled(page)
  await ask(page, 'a bag')
  const plain = await order(page)

  const bag = cell(page, 'red-handbag.jpg')
  await bag.hover()
  await bag.getByRole('button', { name: 'Less like this' }).click()
  await settled(page)
  await check(soon(async () => terms(page).length === 1 && terms(page)[0].startsWith('-0.5*like:')), 'less like this adds a minus picture to the words')
  await check(soon(async () => (await order(page)) !== plain), 'and changes the order')

  await page.getByRole('button', { name: 'Less of …' }).click()
  await page.keyboard.type('pink')
  await settled(page)
  await check(soon(async () => terms(page).includes('-words:pink')), 'words can be taken away')
  await page.keyboard.press('ArrowUp')
  await page.keyboard.press('ArrowUp')
  await check(soon(async () => terms(page).includes('-1.5*words:pink')), 'arrow up weighs a chip more')
  await painted(page)
  await shot('search-algebra')
  await axe('chips')
  const shared = page.url()
  const found = await order(page)

  await page.getByRole('button', { name: 'Less of pink. Make it more' }).click()
  await check(soon(async () => terms(page).includes('1.5*words:pink')), 'minus becomes plus')
  await page.goBack()
  await check(soon(async () => terms(page).includes('-1.5*words:pink') && (await order(page)) === found), 'Back takes that step back')
  await page.goForward()
  await check(soon(async () => terms(page).includes('1.5*words:pink')), 'and Forward goes there again')

  const other = await context.newPage()
  await other.goto(shared)
  await settled(other)
  await check((await order(other)) === found, 'a shared address finds the same in the same order')
  await check((await box(other).inputValue()) === 'a bag' && (await other.locator('.term').count()) === 2, 'and shows the same chips')
  await other.close()

  await box(page).focus()
  await page.keyboard.press('Home')
  await page.keyboard.press('Backspace')
  await page.keyboard.press('End')
  for (let i = 0; i < 5; i++) await page.keyboard.press('Backspace')
  await check(soon(async () => terms(page).length === 1), 'backspace removes the chip before the box')

  await page.getByRole('button', { name: 'Clear the search' }).click()
  await ask(page, 'flowers')
  const flower = cell(page, 'dahlia.jpg')
  await flower.hover()
  await flower.getByRole('button', { name: 'More like this' }).click()
  await check(soon(async () => terms(page).length === 1 && terms(page)[0].startsWith('like:') && !params(page).has('q')), 'more like this asks for that picture alone')
  await settled(page)
  await check(soon(async () => (await nameOf(first(page))) !== 'dahlia.jpg'), 'and does not show it again')
  await painted(page)
  await shot('search-like')

  await page.getByRole('button', { name: 'Filters', exact: true }).click()
  await page.getByLabel('Shape').selectOption('portrait')
  await check(soon(async () => params(page).get('orientation') === 'portrait'), 'a filter is part of the address')
  await settled(page)
  await check((await page.locator('.cell').evaluateAll((all) => all.every((e) => e.clientWidth < e.clientHeight + 1))) === true, 'only upright pictures are left')
  await shot('search-filters')
  await axe('filters')
  await page.getByRole('button', { name: /Remove filter: portrait/ }).click()
  await check(soon(async () => !params(page).has('orientation')), 'its chip takes it away')

  // Down the page, into another search and back: the same place.
  await page.setViewportSize({ width: 700, height: 500 })
  await ask(page, 'animal')
  await page.mouse.wheel(0, 700)
  await page.waitForTimeout(300)
  const y = await page.evaluate(() => scrollY)
  await check(y > 300, 'the page scrolls')
  await page.getByRole('button', { name: 'Clear the search' }).click()
  await check(soon(async () => (await page.evaluate(() => scrollY)) === 0), 'another search starts at the top')
  await page.goBack()
  await check(soon(async () => Math.abs((await page.evaluate(() => scrollY)) - y) < 2), 'Back returns to the same place')
  await page.getByRole('link', { name: 'Library' }).click()
  await page.getByRole('heading', { name: 'Library', level: 1 }).waitFor()
  await page.goBack()
  await check(soon(async () => Math.abs((await page.evaluate(() => scrollY)) - y) < 2), 'also from another view')
}
