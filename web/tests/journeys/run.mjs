// run.mjs [NAME...] - the runner of the journeys. A journey is a file *.journey.mjs in this folder that exports
//   name      what it shows, a sentence
//   library   'empty', or 'samples' (default): a library with samples/ indexed; each journey gets its own copy
//   args      more arguments for `eyeshine serve`
//   context   options for the browser's context: viewport, colorScheme, reducedMotion ...
//   run({ page, url, server, check, shot, axe, samples, scratch, context })
// and run() may use
//   page      a Playwright page on a fresh context, still blank; page.goto(url)
//   url       the server's address, ends with '/'
//   server    { url, library, stop(), start() }: the same port after start()
//   check(what, sentence)  one test; `what` true or a promise of true
//   shot(name)             build/screenshots/NAME.png of the window; LOOK at them
//   axe(where)             a test: no serious or critical violation of WCAG A/AA on the page as it is
//   samples   absolute path of samples/; scratch: an empty folder of this journey
// A page error, a CSP violation or an exception fails the journey. Two journeys walk at once: keep to your own library and files.
import { mkdirSync, readdirSync } from 'node:fs'
import { basename, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { launch, openTab } from './lib/browser.mjs'
import { Scratch } from './lib/server.mjs'

const AT_ONCE = 2
const here = fileURLToPath(new URL('.', import.meta.url))
const root = join(here, '../../..')
const shots = join(root, 'build/screenshots')
mkdirSync(shots, { recursive: true })

const wanted = process.argv.slice(2)
const files = readdirSync(here).filter((f) => f.endsWith('.journey.mjs') && (!wanted.length || wanted.some((w) => f.startsWith(w)))).sort()
let failed = 0
const say = (good, sentence) => {
  if (!good) failed++
  console.log(`${good ? 'ok' : 'not ok'} - ${sentence}`)
}

async function journey(file, browser, scratch) {
  const story = await import(pathToFileURL(join(here, file)).href)
  const label = basename(file, '.journey.mjs')
  const server = await scratch.server(label, story.library ?? 'samples', story.args ?? [])
  const tab = await openTab(browser, story.context ?? {})
  const check = async (what, sentence) => say((await what) === true, `${label}: ${sentence}`)
  const shot = (name) => tab.page.screenshot({ path: join(shots, `${name}.png`) })
  const axe = async (where) => {
    const found = await tab.axe()
    for (const v of found) console.log(`# ${v}`)
    say(found.length === 0, `${label}: axe finds nothing serious: ${where}`)
  }
  try {
    await story.run({ page: tab.page, url: server.url, server, check, shot, axe, samples: join(root, 'samples'), scratch: scratch.folder(`${label}-files`), context: tab.context })
    for (const error of tab.errors) console.log(`# ${error}`)
    say(tab.errors.length === 0, `${label}: no error in the page`)
  } catch (e) {
    console.log(`# ${String(e.stack ?? e).replaceAll('\n', '\n# ')}`)
    for (const error of tab.errors) console.log(`# ${error}`)
    await shot(`failed-${label}`).catch(() => undefined)
    say(false, `${label}: ${story.name}`)
  } finally {
    await tab.context.close()
    await server.stop()
  }
}

const scratch = new Scratch(root)
let browser

// Journeys mostly wait, so a few walk at once, each in a browser context and on a server of its own.
async function lane() {
  for (let file; (file = files.shift()); ) {
    const start = Date.now()
    await journey(file, browser, scratch)
    console.log(`# ${file}: ${((Date.now() - start) / 1000).toFixed(1)} s`)
  }
}
try {
  browser = await launch()
  scratch.library('warm', 'samples') // indexed once, before the clocks run
  await Promise.all(Array.from({ length: AT_ONCE }, lane))
} catch (e) {
  say(false, `journeys: ${e.stack ?? e}`)
} finally {
  await browser?.close()
  scratch.remove()
}
process.exit(failed ? 1 : 0)
