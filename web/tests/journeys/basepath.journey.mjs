// Everything works below a base path, also when a page deep in it is opened or loaded again.
export const name = 'base path'
export const args = ['--base-path', '/my/photos']

export async function run({ page, url, check, shot }) {
  const strays = []
  page.on('request', (r) => !r.url().startsWith(url) && !r.url().startsWith('data:') && !r.url().startsWith('blob:') && strays.push(r.url()))
  await check(new URL(url).pathname === '/my/photos/', `the server says its address with the base path: ${url}`)
  await page.goto(`${url}library`)
  await page.getByRole('heading', { name: 'Library', level: 1 }).waitFor()
  await page.reload()
  await page.getByRole('heading', { name: 'Library', level: 1 }).waitFor()
  for (const [link, heading] of [['Index Image', 'Index Image'], ['Settings', 'Settings']]) {
    await page.getByRole('link', { name: link }).click()
    await page.getByRole('heading', { name: heading, level: 1 }).waitFor()
  }
  await check(page.url() === `${url}settings`, `the address stays below it: ${page.url()}`)
  await page.getByRole('link', { name: 'Image Search' }).click()
  await page.waitForFunction(() => [...document.images].some((i) => i.naturalWidth > 0 && i.src.includes('/thumbnail')))
  await check(strays.length === 0, `no request leaves it ${strays.slice(0, 3)}`)
  await page.goto(`${url}no/such/page`)
  await check(page.getByRole('heading', { name: 'There is no such page' }).waitFor().then(() => true), 'an unknown address says so')
  await shot('base-path-lost')
}
