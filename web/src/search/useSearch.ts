// useSearch.ts - Image Search as one thing: what is asked, what came, and the address that holds it.
//
// The address is the truth: back, forward, reload and shared links go through it. Edits go the other way: they change the query at
// once and the address follows (a step for Back, or a replacement of the step, see history.ts). Answers are kept for a while, so
// Back shows what was there, where it was.
import { computed, onBeforeUnmount, shallowRef, watch, type InjectionKey } from 'vue'
import { useRoute, useRouter } from 'vue-router'
import { asker } from './ask'
import { Gestures, Recent } from './history'
import { readLine } from './line'
import { emptyQuery, hasTerms, type Query } from './query'
import { Runner, type Results, type RunnerState } from './runner'
import { decodeQuery, encodeQuery, queryKey, type Params } from './urlcodec'

/** Outlives the view: coming back from Index Image finds the results as they were. */
const kept = new Recent<Results>(12)

const pause = 150

export function useSearch() {
  const route = useRoute()
  const router = useRouter()
  const query = shallowRef<Query>(emptyQuery)
  const state = shallowRef<RunnerState | null>(null)
  const gestures = new Gestures()
  /** Did what is shown come by following an address (Back, reload, a link) rather than by an edit? */
  let followed = true
  let addressTimer: ReturnType<typeof setTimeout> | undefined
  let pending: (() => void) | null = null
  /** Enter was pressed on this: what its line says becomes chips as soon as it is read, and what is wrong with it is told at once. */
  const entered = shallowRef<Query | null>(null)

  const runner = new Runner({
    ask: (body, signal) => asker.ask(body, signal),
    read: readLine,
    change: (s) => {
      state.value = s
      if (s.asking && s.from === entered.value && s.from === query.value) take(s.asking)
      if (s.phase === 'ready' && s.results) kept.set(s.results.key, s.results)
    },
    debounceMs: pause,
  })
  state.value = runner.state

  const viewed = computed<number | null>(() => {
    const text = route.query.view
    return typeof text === 'string' && /^[1-9]\d{0,14}$/.test(text) ? Number(text) : null
  })

  function write(step: 'push' | 'replace') {
    const to = { name: 'search', query: encodeQuery(query.value) }
    if (queryKey(decodeQuery(route.query)) === queryKey(query.value) && viewed.value === null) return
    void router[step](to)
  }

  function flush() {
    clearTimeout(addressTimer)
    pending?.()
    pending = null
  }

  /** The same question in other clothes: nothing to ask, and no step of its own. */
  function take(read: Query) {
    if (read === query.value) return
    query.value = read
    if (pending) flush()
    else write('replace')
  }

  /** Ask at once; a step of its own unless it goes on with a gesture. */
  function edit(next: Query, gesture: string | null = null) {
    flush()
    followed = false
    query.value = next
    write(gestures.step(gesture, 1500))
    void runner.now(next)
  }

  /** Letters being typed: ask after a pause. */
  function type(next: Query, gesture = 'typing') {
    followed = false
    query.value = next
    runner.soon(next)
    clearTimeout(addressTimer)
    pending = () => write(gestures.step(gesture))
    addressTimer = setTimeout(flush, pause)
  }

  /** Enter: ask now what the box holds. */
  function submit() {
    const { phase, from, asking } = runner.state
    entered.value = query.value
    if (asking && from === query.value) take(asking)
    flush()
    gestures.end()
    void runner.now(query.value, phase === 'error')
  }

  const again = () => void runner.now(query.value, true)

  function follow() {
    const next = decodeQuery(route.query)
    const key = queryKey(next)
    if (key === queryKey(query.value) && runner.state.phase !== 'idle') return
    clearTimeout(addressTimer)
    pending = null
    gestures.end()
    followed = true
    query.value = next
    const before = kept.get(key)
    if (before) runner.show(next, before)
    else void runner.now(next)
  }

  watch(() => [route.name, route.query] as const, ([name]) => name === 'search' && follow(), { immediate: true })
  onBeforeUnmount(() => {
    clearTimeout(addressTimer)
    runner.stop()
  })

  // ---- the open picture is part of the address too ----
  const address = (view: number | null): Params => (view === null ? encodeQuery(query.value) : { ...encodeQuery(query.value), view: String(view) })

  function view(id: number) {
    flush()
    gestures.end()
    void router[viewed.value === null ? 'push' : 'replace']({ name: 'search', query: address(id) })
  }

  /** Back, if that is where the grid is; a shared link has no grid behind it. */
  function closeView() {
    const back = (history.state as { back?: string | null } | null)?.back
    const here = router.resolve({ name: 'search', query: address(null) }).fullPath
    if (back === here) router.back()
    else void router.replace({ name: 'search', query: address(null) })
  }

  const hits = computed(() => state.value?.results?.hits ?? [])
  /** What the pictures on screen answer. */
  const asked = computed(() => state.value?.results?.query ?? emptyQuery)
  /** First result below the line; -1: none, or nothing was asked for. */
  const breakAt = computed(() => (hasTerms(asked.value) ? hits.value.findIndex((h) => !h.relevant) : -1))

  return {
    query, state, hits, asked, breakAt, viewed, entered,
    edit, type, submit, again, view, closeView,
    more: () => void runner.more(),
    forget: (id: number) => {
      kept.clear()
      runner.forget(id)
    },
    endGesture: () => gestures.end(),
    followed: () => followed,
  }
}

export type Search = ReturnType<typeof useSearch>
export const searchKey: InjectionKey<Search> = Symbol('search')
