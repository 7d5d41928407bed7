// runner.ts - runs searches one after the other so that what is on screen is always the answer to what was asked last.
//
// Typing asks after a pause, everything else at once. A newer question aborts the older request; an answer that comes late all the
// same is recognised by its ticket and dropped. Pages are appended by cursor; a picture seen already is not shown twice.
//
// Before it is asked, the line in the box is read: what it says as chips is what is searched. A line that can't be read (half of it
// may not be typed yet) changes nothing on screen but `wrong`.
import { isPlain, wrongOf, type Wrong } from './line'
import { toBody, type Query } from './query'
import type { Hit, SearchAnswer, SearchBody } from './types'
import { queryKey } from './urlcodec'

export type Phase = 'idle' | 'loading' | 'ready' | 'error'

export interface Results {
  key: string
  /** What these answer, with the box read; the box may be further already. */
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
  /** The latest question and, once its line is read, what it says. */
  from: Query | null
  asking: Query | null
  /** What can't be read in the line of `from`. */
  wrong: Wrong | null
  /** The last answer; stays on screen while the next question runs. */
  results: Results | null
  error: unknown
  paging: boolean
  /** Why the last page did not come; the pages before it stay. */
  pageError: unknown
}

export interface RunnerOptions {
  ask: (body: SearchBody, signal: AbortSignal) => Promise<SearchAnswer>
  /** A query with its box read (line.ts); not asked for plain words. */
  read: (query: Query, signal: AbortSignal) => Promise<Query>
  change: (state: RunnerState) => void
  /** Pictures of the first page, which should come fast, and of each further one. */
  pageSize?: number
  nextSize?: number
  debounceMs?: number
}

const initial: RunnerState = { phase: 'idle', from: null, asking: null, wrong: null, results: null, error: null, paging: false, pageError: null }

export class Runner {
  state: RunnerState = initial
  private ticket = 0
  private abort: AbortController | null = null
  private timer: ReturnType<typeof setTimeout> | undefined
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

  /** Is this what is on screen or on its way? */
  private isAsked(query: Query): boolean {
    const { phase, from, asking } = this.state
    const key = queryKey(query)
    return (phase === 'ready' || phase === 'loading') && [from, asking].some((q) => q && queryKey(q) === key)
  }

  /** At once. `force`: even if the answer is on screen. */
  async now(query: Query, force = false): Promise<void> {
    clearTimeout(this.timer)
    if (!force && this.isAsked(query)) return
    this.stop()
    const ticket = ++this.ticket
    const abort = (this.abort = new AbortController())
    const plain = isPlain(query.words)
    this.set({ phase: 'loading', from: query, asking: plain ? query : null, wrong: null, error: null, paging: false, pageError: null })
    try {
      const asking = plain ? query : await this.o.read(query, abort.signal)
      if (ticket !== this.ticket) return
      if (!plain) this.set({ asking })
      const a = await this.o.ask(toBody(asking, this.pageSize), abort.signal)
      if (ticket !== this.ticket) return
      this.set({ phase: 'ready', results: { key: queryKey(asking), query: asking, turn: ticket, hits: a.hits, next: a.next, total: a.total, tookMs: a.took_ms } })
    } catch (error) {
      if (ticket === this.ticket) this.failed(query, error)
    }
  }

  private failed(query: Query, error: unknown) {
    const wrong = this.state.asking ? null : wrongOf(error, query.words.trim())
    if (wrong && this.state.results) this.set({ phase: 'ready', wrong })
    else this.set({ phase: 'error', wrong, error })
  }

  /** The next page, if there is one and none is on its way. */
  async more(): Promise<void> {
    const { results, phase, paging } = this.state
    if (!results?.next || phase !== 'ready' || paging) return
    const ticket = this.ticket
    const abort = (this.abort = new AbortController())
    this.set({ paging: true, pageError: null })
    try {
      const a = await this.o.ask(toBody(results.query, this.nextSize, results.next), abort.signal)
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
    this.ticket++
    this.set({ phase: 'ready', from: query, asking: results.query, wrong: null, results, error: null, paging: false, pageError: null })
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
