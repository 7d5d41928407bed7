// First run, nothing found, server gone and back.
import { ask, cells, first, nameOf, settled, soon } from './search-lib.mjs'

export const name = 'first run and bad days'
export const library = 'empty'

export async function run({ page, url, server, check, shot, axe }) {
  await page.goto(url)
  await check(page.getByRole('heading', { name: 'Find any picture by what it shows' }).waitFor().then(() => true), 'an empty library explains itself')
  await check((await page.getByRole('link', { name: 'Index pictures' }).count()) === 1, 'and leads to Index Image')
  await page.waitForTimeout(300)
  await shot('search-empty')
  await axe('empty library')

  const chip = page.getByRole('button', { name: 'pink clutch', exact: true })
  await check(chip.waitFor().then(() => true), 'the sample queries are offered')
  await chip.click()
  await check(
    (async () => {
      const end = Date.now() + 30000
      while (Date.now() < end) {
        if (new URL(page.url()).searchParams.get('q') === 'pink clutch' && (await cells(page).count()) > 5) return true
        await page.waitForTimeout(100)
      }
      return false
    })(),
    'one click indexes the samples and searches them',
  )
  await settled(page)
  await check(soon(async () => /^pink-clutch/.test(await nameOf(first(page)))), 'the pink clutch is there')

  const before = await page.locator('[data-index]').evaluateAll((all) => all.map((e) => e.getAttribute('aria-label')).join())
  await page.evaluate(async () => {
    const canvas = Object.assign(document.createElement('canvas'), { width: 300, height: 200 })
    const ink = canvas.getContext('2d')
    ink.fillStyle = '#e58cc4'
    ink.fillRect(60, 60, 180, 90)
    const form = new FormData()
    form.append('file', await new Promise((done) => canvas.toBlob(done, 'image/png')), 'drawn.png')
    await fetch('api/v1/images?close=true', { method: 'POST', body: form })
  })
  const hint = page.getByRole('button', { name: /1 new picture/ })
  await check(hint.waitFor().then(() => true), 'a picture that comes meanwhile is told')
  await check((await page.locator('[data-index]').evaluateAll((all) => all.map((e) => e.getAttribute('aria-label')).join())) === before, 'and moves nothing on screen')
  await shot('search-new')
  await hint.click()
  await check(soon(async () => /among 55 pictures/.test(await page.locator('.summary .text').innerText()) && (await hint.count()) === 0), 'until one asks for it')

  await page.goto(`${url}?q=purse&format=avif`)
  await check(page.getByText('No picture passes the filters').waitFor().then(() => true), 'filters that leave nothing say so')
  await shot('search-none')
  await page.getByRole('button', { name: 'Clear filters' }).first().click()
  await check(soon(async () => (await cells(page).count()) > 5), 'and can be cleared')

  await server.stop()
  await page.getByRole('searchbox').fill('stairs')
  await check(page.getByText('The server does not answer').first().waitFor().then(() => true), 'a silent server is told')
  await shot('search-unreachable')
  await axe('server gone')
  await server.start()
  await page.getByRole('button', { name: 'Try again' }).click()
  await check(soon(async () => (await cells(page).count()) > 5), 'and asked again when it is back')
  await ask(page, 'stairs')
  await check((await cells(page).count()) > 5, 'the search goes on')
}
