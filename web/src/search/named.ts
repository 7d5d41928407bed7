// named.ts - pictures whose file names hold the words asked for, searched beside the main search.
//
// The shipped model knows how things look but can't read: "ysl" or "IWC" says nothing to it, while the file's name often does. So
// words alone are asked for a second time with the filter by name. That question goes out and is given up together with the main
// one, on its own way: late or failed, it only means that there is nothing to show.
import type { Recent } from './history'
import { sentTerms, toBody, type Query } from './query'
import type { Hit, SearchAnswer, SearchBody } from './types'
import { queryKey } from './urlcodec'

export interface Named {
  /** Of the main search that these belong to. */
  key: string
  /** What finds them all. */
  query: Query | null
  hits: readonly Hit[]
  total: number
}

export const nobody = (key: string): Named => ({ key, query: null, hits: [], total: 0 })

const shortest = 2
/** A file's name has no more. */
const longest = 255
const limit = 12

/** The same search by name, if there is one: words alone, nothing added or taken away, and no name asked for yet. */
export function byName(q: Query): Query | null {
  const [term, ...others] = sentTerms(q)
  if (term?.kind !== 'words' || term.weight < 0 || others.length || q.filter.name) return null
  const name = term.value.trim()
  const length = [...name].length
  return length >= shortest && length <= longest ? { ...q, filter: { ...q.filter, name } } : null
}

export const without = (n: Named, id: number): Named =>
  n.hits.some((h) => h.id === id) ? { ...n, hits: n.hits.filter((h) => h.id !== id), total: Math.max(0, n.total - 1) } : n

export interface NameSearchOptions {
  ask: (body: SearchBody, signal: AbortSignal) => Promise<SearchAnswer>
  /** `kept`: an answer from before, there at once. */
  change: (found: Named, kept: boolean) => void
  kept: Recent<Named>
}

export class NameSearch {
  private key: string | null = null
  private abort: AbortController | null = null

  constructor(private readonly o: NameSearchOptions) {}

  /** The main search shows the answer to this: what is known, or being asked, is not asked again. */
  show(query: Query) {
    const key = queryKey(query)
    if (key === this.key) return
    const before = this.o.kept.get(key)
    if (!before) return void this.ask(query)
    this.stop()
    this.key = key
    this.o.change(before, true)
  }

  /** The main search goes out with this. */
  async ask(query: Query): Promise<void> {
    this.stop()
    const key = (this.key = queryKey(query))
    const named = byName(query)
    if (!named) return this.o.change(nobody(key), false)
    const { signal } = (this.abort = new AbortController())
    let found = nobody(key)
    try {
      const a = await this.o.ask(toBody(named, limit), signal)
      found = { key, query: named, hits: a.hits, total: a.total }
    } catch {
      // The main search tells what is wrong.
    }
    if (signal.aborted) return
    if (found.query) this.o.kept.set(key, found)
    this.o.change(found, false)
  }

  stop() {
    this.abort?.abort()
    this.abort = null
  }
}
