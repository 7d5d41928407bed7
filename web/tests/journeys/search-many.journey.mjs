// Thousands of results: the document stays small, scrolling stays smooth, nothing jumps. The list is made up, the pictures are real.
import { settled, soon } from './search-lib.mjs'

export const name = 'thousands of results'

const total = 20000

export async function run({ page, url, check, shot }) {
  const answer = await (await fetch(`${url}api/v1/search?limit=50`)).json()
  const made = (i) => ({ ...answer.hits[i % answer.hits.length], id: i + 1, name: `${i + 1}.jpg`, score: 1 - i / total, similarity: 1 - i / total, relevant: i < total / 2 })
  await page.route('**/api/v1/search', async (route) => {
    const q = route.request().postDataJSON()
    if (q.filter?.name) return route.fulfill({ json: { hits: [], next: null, total: 0, took_ms: 1, relevant_count: 0, terms: [] } })
    const from = Number(q.cursor ?? 0)
    const to = Math.min(total, from + q.limit)
    const hits = Array.from({ length: to - from }, (_, i) => made(from + i))
    await route.fulfill({ json: { hits, next: to < total ? String(to) : null, total, took_ms: 1, relevant_count: 0, terms: [] } })
  })
  const picture = Buffer.from(await (await fetch(`${url}api/v1/images/${answer.hits[0].id}/thumbnail?size=256`)).arrayBuffer())
  await page.route(/\/images\/\d+\/thumbnail/, (route) => route.fulfill({ body: picture, contentType: 'image/webp' }))
  await page.goto(`${url}?q=anything`)
  await settled(page)

  await page.evaluate(() => {
    globalThis.shift = 0
    new PerformanceObserver((list) => list.getEntries().forEach((e) => {
      globalThis.shift += e.value
      globalThis.shifted = e.sources?.map((x) => `${x.node?.className} ${x.previousRect.y} -> ${x.currentRect.y}`).join('; ')
    })).observe({ type: 'layout-shift', buffered: true })
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
  const part = (p) => frames[Math.floor(frames.length * p)]
  console.log(`# ${frames.length} frames while scrolling, median ${part(0.5).toFixed(1)} ms, p95 ${part(0.95).toFixed(1)} ms`)
  await check(part(0.5) < 100, `half of the frames take less than 100 ms, also on a busy machine (${part(0.5).toFixed(1)})`)

  // Pages come as the end comes near; go on until several thousand are there.
  const grown = await soonOver(page, 4000)
  await check(grown >= 4000, `pages come while scrolling: ${grown} pictures`)
  const parts = await page.evaluate(() => document.querySelectorAll('*').length)
  await check(parts < 3000, `the document holds ${parts} elements, not thousands of pictures`)
  const jumps = await page.evaluate(() => [globalThis.shift, globalThis.shifted])
  await check(jumps[0] < 0.02, `nothing jumps ${jumps[0] < 0.02 ? '' : jumps}`)
  const at = () => page.evaluate(() => Number(document.activeElement?.dataset?.index ?? -1))
  await page.keyboard.press('ArrowDown')
  await check(soon(async () => (await at()) === 0), 'from the box to the first')
  await page.keyboard.press('Control+End')
  await check(soon(async () => (await at()) > 3000), 'Ctrl+End goes to the last one that is there')
  await shot('search-many')
  await page.keyboard.press('Control+Home')
  await check(soon(async () => (await at()) === 0), 'and Ctrl+Home to the first')
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
