// duplicateList.ts - groups of duplicates, a page at a time; what is on screen always answers the latest wish.
//
// Finding them may take the server minutes in a large library. It then says how far it is, and is asked again until it is there.
import { isAbort } from '@/api/client'
import type { DuplicateGroup, Duplicates } from '@/api/types'
import { addressOf, askFor, without, type Wish } from './duplicates'

export interface ListState {
  phase: 'loading' | 'ready' | 'error'
  groups: DuplicateGroup[]
  /** Groups there are in all. */
  total: number
  next: number | null
  /** Pictures that no comparison knows of yet. */
  unknown: number
  /** How far finding them is, while it goes on. */
  progress: Duplicates['progress']
  error: unknown
  paging: boolean
  pageError: unknown
}

export type AskDuplicates = (query: Record<string, string | number>, signal: AbortSignal) => Promise<Duplicates>

const nothing: ListState = { phase: 'loading', groups: [], total: 0, next: null, unknown: 0, progress: null, error: null, paging: false, pageError: null }

export class DuplicateList {
  state: ListState = nothing
  private wish: Wish | null = null
  private abort = new AbortController()

  constructor(
    private readonly ask: AskDuplicates,
    private readonly change: (state: ListState) => void,
    private readonly limit = 24,
    private readonly pause = 700,
  ) {}

  private set(to: Partial<ListState>) {
    this.state = { ...this.state, ...to }
    this.change(this.state)
  }

  private begin(): AbortSignal {
    this.stop()
    this.abort = new AbortController()
    return this.abort.signal
  }

  private async found(query: Record<string, string | number>, signal: AbortSignal): Promise<Duplicates> {
    for (;;) {
      const a = await this.ask({ ...query, limit: this.limit }, signal)
      if (!a.progress || signal.aborted) return a
      this.set({ progress: a.progress })
      await new Promise((done) => setTimeout(done, this.pause))
      signal.throwIfAborted()
    }
  }

  /** Groups of another kind never stand under a wish that they don't answer; a slider that moves leaves them until others come. */
  async show(wish: Wish, again = false): Promise<void> {
    if (!again && this.wish && JSON.stringify(addressOf(wish)) === JSON.stringify(addressOf(this.wish))) return
    const other = this.wish?.kind !== wish.kind
    this.wish = wish
    const signal = this.begin()
    this.set({ ...(other ? nothing : {}), phase: 'loading', progress: null, error: null, paging: false, pageError: null })
    try {
      const a = await this.found(askFor(wish), signal)
      if (!signal.aborted) this.set({ phase: 'ready', groups: a.groups, total: a.next === null ? a.groups.length : a.total, next: a.next, unknown: a.unknown, progress: null })
    } catch (error) {
      if (!signal.aborted && !isAbort(error)) this.set({ phase: 'error', error })
    }
  }

  again(): Promise<void> {
    return this.wish ? this.show(this.wish, true) : Promise.resolve()
  }

  async more(): Promise<void> {
    const { next, phase, paging } = this.state
    if (next === null || phase !== 'ready' || paging || !this.wish) return
    const signal = this.begin()
    this.set({ paging: true, pageError: null })
    try {
      const a = await this.found({ ...askFor(this.wish), after: next }, signal)
      if (signal.aborted) return
      const known = new Set(this.state.groups.map((g) => g.id))
      const groups = [...this.state.groups, ...a.groups.filter((g) => !known.has(g.id))]
      this.set({ paging: false, groups, total: a.next === null ? groups.length : a.total, next: a.next, unknown: a.unknown, progress: null })
    } catch (pageError) {
      if (!signal.aborted && !isAbort(pageError)) this.set({ paging: false, pageError })
    }
  }

  /** Take pictures that are gone out of what is on screen. */
  forget(ids: ReadonlySet<number>) {
    const groups = without(this.state.groups, ids)
    this.set({ groups, total: Math.max(0, this.state.total - (this.state.groups.length - groups.length)) })
  }

  stop() {
    this.abort.abort()
  }
}
