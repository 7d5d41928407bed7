// runner.ts - runs searches one after the other so that what is on screen is always the answer to what was asked last.
//
// Typing asks after a pause, everything else at once. A newer question aborts the older request; an answer that comes late all the
// same is recognised by its ticket and dropped. Pages are appended by cursor; a picture seen already is not shown twice.
import { toBody, type Query } from './query'
import type { Hit, SearchAnswer, SearchBody } from './types'
import { queryKey } from './urlcodec'

export type Phase = 'idle' | 'loading' | 'ready' | 'error'

export interface Results {
  key: string
  /** What these answer; the box may be further already. */
  query: Query
  /** Counts the questions asked; further pages keep it. */
  turn: number
  hits: Hit[]
  next: string | null
  total: number
  tookMs: number
}

export interface RunnerState {
  phase: Phase
  /** The last answer; stays on screen while the next question runs. */
  results: Results | null
  error: unknown
  paging: boolean
  /** Why the last page did not come; the pages before it stay. */
  pageError: unknown
}

export interface RunnerOptions {
  ask: (body: SearchBody, signal: AbortSignal) => Promise<SearchAnswer>
  change: (state: RunnerState) => void
  /** Pictures of the first page, which should come fast, and of each further one. */
  pageSize?: number
  nextSize?: number
  debounceMs?: number
}

const initial: RunnerState = { phase: 'idle', results: null, error: null, paging: false, pageError: null }

export class Runner {
  state: RunnerState = initial
  private ticket = 0
  private abort: AbortController | null = null
  private timer: ReturnType<typeof setTimeout> | undefined
  private query: Query | null = null
  private readonly pageSize: number
  private readonly nextSize: number
  private readonly debounceMs: number

  constructor(private readonly o: RunnerOptions) {
    this.pageSize = o.pageSize ?? 60
    this.nextSize = o.nextSize ?? 240
    this.debounceMs = o.debounceMs ?? 150
  }

  private set(change: Partial<RunnerState>) {
    this.state = { ...this.state, ...change }
    this.o.change(this.state)
  }

  /** After a pause in typing; each call starts the pause again. */
  soon(query: Query) {
    clearTimeout(this.timer)
    this.timer = setTimeout(() => void this.now(query), this.debounceMs)
  }

  /** At once. `force`: even if the answer is on screen. */
  async now(query: Query, force = false): Promise<void> {
    clearTimeout(this.timer)
    const key = queryKey(query)
    const settled = this.state.phase === 'ready' || this.state.phase === 'loading'
    if (!force && settled && this.query && queryKey(this.query) === key) return
    this.stop()
    this.query = query
    const ticket = ++this.ticket
    const abort = (this.abort = new AbortController())
    this.set({ phase: 'loading', error: null, paging: false, pageError: null })
    try {
      const a = await this.o.ask(toBody(query, this.pageSize), abort.signal)
      if (ticket !== this.ticket) return
      this.set({ phase: 'ready', results: { key, query, turn: ticket, hits: a.hits, next: a.next, total: a.total, tookMs: a.took_ms } })
    } catch (error) {
      if (ticket === this.ticket) this.set({ phase: 'error', error })
    }
  }

  /** The next page, if there is one and none is on its way. */
  async more(): Promise<void> {
    const { results, phase, paging } = this.state
    if (!results?.next || phase !== 'ready' || paging || !this.query) return
    const ticket = this.ticket
    const abort = (this.abort = new AbortController())
    this.set({ paging: true, pageError: null })
    try {
      const a = await this.o.ask(toBody(this.query, this.nextSize, results.next), abort.signal)
      if (ticket !== this.ticket) return
      const seen = new Set(results.hits.map((h) => h.id))
      const hits = [...results.hits, ...a.hits.filter((h) => !seen.has(h.id))]
      this.set({ paging: false, results: { ...results, hits, next: a.next, total: a.total } })
    } catch (pageError) {
      if (ticket === this.ticket) this.set({ paging: false, pageError })
    }
  }

  /** Show an answer from before (Back): no request, nothing jumps. */
  show(query: Query, results: Results) {
    clearTimeout(this.timer)
    this.stop()
    this.query = query
    this.ticket++
    this.set({ phase: 'ready', results, error: null, paging: false, pageError: null })
  }

  /** Take a picture that is gone out of the answer. */
  forget(id: number) {
    const r = this.state.results
    if (!r?.hits.some((h) => h.id === id)) return
    this.set({ results: { ...r, hits: r.hits.filter((h) => h.id !== id), total: Math.max(0, r.total - 1) } })
  }

  stop() {
    clearTimeout(this.timer)
    this.ticket++
    this.abort?.abort()
    this.abort = null
  }
}
