// Words: as they are typed, the six sample queries, the line where relevance ends, light and dark.
import { ask, box, cells, first, nameOf, painted, settled, soon } from './search-lib.mjs'

export const name = 'search by words'

export async function run({ page, url, check, shot, axe }) {
  await page.goto(url)
  await settled(page)
  await check(box(page).evaluate((e) => e === document.activeElement), 'the cursor is in the box')
  await check((await cells(page).count()) > 8, 'before any words the newest pictures are there')
  await painted(page)
  await shot('search-first')
  await axe('the newest pictures')

  let asked = 0
  page.on('request', (r) => r.url().endsWith('/search') && !r.postData()?.includes('"name"') && asked++)
  await page.keyboard.type('pink clutch', { delay: 20 })
  await settled(page)
  await check(asked > 0 && asked < 6, `typing asks after a pause, not at every letter (${asked})`)
  await check(new URL(page.url()).searchParams.get('q') === 'pink clutch', 'the address holds the words')
  await page.keyboard.press('Enter')
  await page.waitForTimeout(200)
  await check((await box(page).inputValue()) === 'pink clutch' && (await page.locator('.term').count()) === 0, 'Enter leaves the words where they are')

  // What the model can't read, the file's name says: a row of its own above what looks like it.
  const named = page.getByRole('region', { name: 'In the file name' })
  const inSight = (files) =>
    page.evaluate((text) => {
      const is = new RegExp(text)
      const whole = (e) => ((r) => r.width > 40 && r.height > 40 && r.left >= 0 && r.right <= innerWidth && r.top >= 0 && r.bottom <= innerHeight)(e.getBoundingClientRect())
      return [...document.querySelectorAll('.named button, [role=gridcell]')].some((e) => is.test(e.getAttribute('aria-label') ?? '') && whole(e) && e.querySelector('img')?.naturalWidth > 0)
    }, files.source)
  const shows = { ysl: /^ysl-/, 'pink clutch': /^pink-clutch/, 'coming soon': /^coming-soon-/, 'dark stairwell': /^dark-stairwell/, 'brown purse': /^brown-purse/, IWC: /^watch-iwc/ }
  const top = { 'pink clutch': /^pink-clutch/, 'dark stairwell': /^dark-stairwell/, 'brown purse': /^brown-purse/ }
  for (const words of ['ysl', 'pink clutch', 'coming soon', 'dark stairwell', 'brown purse', 'IWC']) {
    await ask(page, '')
    await page.getByRole('button', { name: words, exact: true }).click()
    await settled(page)
    await soon(async () => new URL(page.url()).searchParams.get('q') === words)
    await settled(page)
    const best = await nameOf(first(page))
    await check((await cells(page).count()) > 5, `"${words}" brings pictures`)
    await check(soon(() => inSight(shows[words])), `"${words}" brings its picture into sight at once`)
    await check(soon(async () => (await named.getByRole('button', { name: shows[words] }).count()) > 0), `"${words}" is in a file name`)
    if (words === 'coming soon') {
      await painted(page)
      await shot('search-named')
      await axe('pictures by file name')
    }
    if (top[words]) await check(top[words].test(best), `"${words}" brings its picture first: ${best}`)
    if (words === 'dark stairwell') {
      await painted(page)
      await shot('search-words')
    }
  }

  await ask(page, 'brown purse')
  const line = page.locator('.line')
  await check((await line.count()) === 1 && /likely matches/i.test(await line.innerText()), 'a line says where relevance ends')
  const edge = (await line.boundingBox())?.y ?? 0
  const dim = await page.locator('.cell.dimmed').evaluateAll((all) => all.map((e) => e.getBoundingClientRect().top))
  const lit = await page.locator('.cell:not(.dimmed)').evaluateAll((all) => all.map((e) => e.getBoundingClientRect().top))
  await check(dim.length > 0 && lit.length > 0 && Math.min(...dim) > edge && Math.max(...lit) < edge, 'what lies below it is dimmed, what lies above is not')
  await check(soon(async () => /likely match/.test(await page.locator('.summary [aria-live]').innerText())), 'a screen reader hears how many there are')
  await painted(page)
  await axe('results')

  const shapes = await cells(page).evaluateAll((all) => all.map((e) => ({ ...e.getBoundingClientRect().toJSON(), img: e.querySelector('img') })).filter((c) => c.img).length)
  await check(shapes > 0, 'thumbnails are there')
  const bent = await page.locator('.cell:not(.odd) img').evaluateAll((all) =>
    all.filter((i) => i.naturalWidth && Math.abs(i.naturalWidth / i.naturalHeight / (i.parentElement.clientWidth / i.parentElement.clientHeight) - 1) > 0.04).map((i) => i.src),
  )
  await check(bent.length === 0, `cells have the true shape of their pictures ${bent}`)

  await page.emulateMedia({ colorScheme: 'dark' })
  await page.waitForTimeout(200)
  await shot('search-dark')
  await axe('results, dark')
}
