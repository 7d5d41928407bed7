// Debian's Chromium, driven by playwright-core; what the page complains about is collected.
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { chromium } from 'playwright-core'

const axeSource = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
const flags = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync']

export const launch = () => chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', headless: true, args: flags })

// Chromium's own notes about answers that the page handles itself.
const expected = /Failed to load resource|net::ERR_/

export async function openTab(browser, options) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, locale: 'en-GB', ...options })
  context.setDefaultTimeout(20000)
  const page = await context.newPage()
  const errors = []
  page.on('pageerror', (e) => errors.push(`page error: ${e.stack ?? e}`))
  page.on('console', (m) => m.type() === 'error' && !expected.test(m.text()) && errors.push(`console: ${m.text()}`))
  return { context, page, errors, axe: () => axe(page) }
}

// Evaluated through the debugger, so the page's CSP does not stop it.
async function axe(page) {
  await page.evaluate(axeSource)
  const { violations } = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ['violations'] }))
  return violations
    .filter((v) => v.impact === 'serious' || v.impact === 'critical')
    .map((v) => `${v.impact} ${v.id}: ${v.help}: ${v.nodes.slice(0, 3).map((n) => n.target.join(' ') + ' ' + (n.any[0]?.message ?? '')).join('; ')}`)
}

/** A real drop of files and folders from disk onto the middle of the page, as the browser gets it from a file manager. */
export async function drop(page, paths) {
  const cdp = await page.context().newCDPSession(page)
  const { width, height } = page.viewportSize()
  const data = { items: [], files: paths, dragOperationsMask: 1 }
  for (const type of ['dragEnter', 'dragOver', 'drop']) await cdp.send('Input.dispatchDragEvent', { type, x: Math.round(width / 2), y: Math.round(height / 2), data })
  await cdp.detach()
}

/** How much of the page sticks out at the right, in pixels. */
export const overflow = (page) => page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth)

/** JSON of the server's API, asked by the page itself. */
export const api = (page, path) => page.evaluate(async (p) => (await fetch(new URL(`api/v1${p}`, document.baseURI))).json(), path)

/** The view is there and has what it asks the server for (events never end, so the network is never idle). */
export async function settled(page) {
  await page.getByRole('heading', { level: 1 }).first().waitFor({ state: 'attached' })
  await page.waitForLoadState('load')
  await page.waitForFunction(() => performance.now() - Math.max(0, ...performance.getEntriesByType('resource').map((r) => r.responseEnd)) > 250)
}
