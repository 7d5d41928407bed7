// Thousands of results: the document stays small, scrolling stays smooth, nothing jumps. The list is made up, the pictures are real.
import { settled, soon } from './search-lib.mjs'

export const name = 'thousands of results'

const total = 20000

export async function run({ page, url, check, shot }) {
  const answer = await (await fetch(`${url}api/v1/search?limit=50`)).json()
  const made = (i) => ({ ...answer.hits[i % answer.hits.length], id: i + 1, name: `${i + 1}.jpg`, score: 1 - i / total, similarity: 1 - i / total, relevant: i < total / 2 })
  await page.route('**/api/v1/search', async (route) => {
    const q = route.request().postDataJSON()
    const from = Number(q.cursor ?? 0)
    const to = Math.min(total, from + q.limit)
    const hits = Array.from({ length: to - from }, (_, i) => made(from + i))
    await route.fulfill({ json: { hits, next: to < total ? String(to) : null, total, took_ms: 1, relevant_count: 0, terms: [] } })
  })
  await page.route(/\/images\/\d+\/thumbnail/, (route) => {
    const id = Number(/images\/(\d+)/.exec(route.request().url())[1])
    const real = answer.hits[(id - 1) % answer.hits.length].id
    return route.continue({ url: route.request().url().replace(/images\/\d+/, `images/${real}`) })
  })
  await page.goto(`${url}?q=anything`)
  await settled(page)

  await page.evaluate(() => {
    globalThis.shift = 0
    new PerformanceObserver((list) => list.getEntries().forEach((e) => (globalThis.shift += e.hadRecentInput ? 0 : e.value))).observe({ type: 'layout-shift', buffered: true })
  })
  const frames = await page.evaluate(async () => {
    const times = []
    let last = performance.now()
    const end = last + 4000
    while (last < end) {
      scrollBy(0, 120)
      const t = await new Promise(requestAnimationFrame)
      times.push(t - last)
      last = performance.now()
    }
    return times.sort((a, b) => a - b)
  })
  const at = (p) => frames[Math.floor(frames.length * p)]
  console.log(`# ${frames.length} frames while scrolling, median ${at(0.5).toFixed(1)} ms, p95 ${at(0.95).toFixed(1)} ms`)
  await check(at(0.5) < 40, `half of the frames take less than 40 ms (${at(0.5).toFixed(1)})`)

  // Pages come as the end comes near; go on until several thousand are there.
  const grown = await soonOver(page, 4000)
  await check(grown >= 4000, `pages come while scrolling: ${grown} pictures`)
  const parts = await page.evaluate(() => document.querySelectorAll('*').length)
  await check(parts < 3000, `the document holds ${parts} elements, not thousands of pictures`)
  await check((await page.evaluate(() => globalThis.shift)) < 0.02, 'nothing jumps')
  await page.keyboard.press('/')
  await page.keyboard.press('ArrowDown')
  await page.keyboard.press('Control+End')
  const last = await page.evaluate(() => Number(document.activeElement?.dataset?.index))
  await check(last > 3000, `Ctrl+End goes to the last one that is there: ${last + 1}`)
  await shot('search-many')
  await page.keyboard.press('Control+Home')
  await check(soon(async () => (await page.evaluate(() => Number(document.activeElement?.dataset?.index))) === 0), 'and Ctrl+Home to the first')
}

async function soonOver(page, many) {
  const end = Date.now() + 25000
  for (;;) {
    const index = await page.evaluate(() => {
      scrollTo(0, document.documentElement.scrollHeight)
      return Math.max(0, ...[...document.querySelectorAll('[data-index]')].map((e) => Number(e.dataset.index)))
    })
    if (index >= many || Date.now() > end) return index
    await page.waitForTimeout(30)
  }
}
