// usePlaces.ts - where the page stood. Back and reload return there; a new search starts at the top.
import { nextTick, onBeforeUnmount, onMounted, watch } from 'vue'
import { Recent } from './history'
import type { Search } from './useSearch'

const places = new Recent<number>(100)
const memory = 'eyeshine.place'

function recall(): void {
  try {
    const { key, top } = JSON.parse(sessionStorage.getItem(memory) ?? '{}') as { key?: string; top?: number }
    if (key && top) places.set(key, top)
  } catch {
    sessionStorage.removeItem(memory)
  }
}
recall()

/** The page may still be growing, by its first layout or by pages that come: try for a while, unless somebody scrolls. */
async function settle(top: number, current: () => boolean): Promise<void> {
  const end = performance.now() + 3000
  let mine = true
  const taken = () => (mine = false)
  const hands = ['wheel', 'touchstart', 'keydown', 'pointerdown']
  hands.forEach((name) => window.addEventListener(name, taken, { passive: true, once: true }))
  do {
    window.scrollTo(0, top)
    if (Math.abs(window.scrollY - top) < 1) break
    await new Promise(requestAnimationFrame)
  } while (mine && current() && performance.now() < end)
  hands.forEach((name) => window.removeEventListener(name, taken))
}

export function usePlaces(search: Search) {
  /** The answer whose place is being noted; none while the page moves by itself. */
  let shown = ''
  let turn = 0
  const note = () => shown && places.set(shown, window.scrollY)
  const keep = () => shown && sessionStorage.setItem(memory, JSON.stringify({ key: shown, top: window.scrollY }))

  watch(() => search.state.value?.results?.key, async (key) => {
    if (!key || key === shown) return
    const back = search.followed()
    const mine = ++turn
    shown = ''
    await nextTick()
    await settle(back ? (places.get(key) ?? 0) : 0, () => mine === turn)
    if (mine === turn) shown = key
  }, { immediate: true })

  const before = history.scrollRestoration
  onMounted(() => {
    history.scrollRestoration = 'manual'
    window.addEventListener('scroll', note, { passive: true })
    window.addEventListener('pagehide', keep)
  })
  onBeforeUnmount(() => {
    turn++
    history.scrollRestoration = before
    window.removeEventListener('scroll', note)
    window.removeEventListener('pagehide', keep)
    window.scrollTo(0, 0) // the next view begins at its top
  })
}
