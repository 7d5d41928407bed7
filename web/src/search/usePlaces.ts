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

/** The page may still be growing (the grid learns its width after it is mounted): try for a few frames. */
async function settle(top: number): Promise<void> {
  for (let tries = 0; tries < 20; tries++) {
    window.scrollTo(0, top)
    if (Math.abs(window.scrollY - top) < 1) return
    await new Promise(requestAnimationFrame)
  }
}

export function usePlaces(search: Search) {
  let shown = ''
  const note = () => shown && places.set(shown, window.scrollY)
  const keep = () => shown && sessionStorage.setItem(memory, JSON.stringify({ key: shown, top: window.scrollY }))

  watch(() => search.state.value?.results?.key, async (key) => {
    if (!key || key === shown) return
    const back = search.followed()
    shown = ''
    await nextTick()
    await settle(back ? (places.get(key) ?? 0) : 0)
    shown = key
  }, { immediate: true })

  const before = history.scrollRestoration
  onMounted(() => {
    history.scrollRestoration = 'manual'
    window.addEventListener('scroll', note, { passive: true })
    window.addEventListener('pagehide', keep)
  })
  onBeforeUnmount(() => {
    history.scrollRestoration = before
    window.removeEventListener('scroll', note)
    window.removeEventListener('pagehide', keep)
    window.scrollTo(0, 0) // the next view begins at its top
  })
}
