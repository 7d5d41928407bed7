import { describe, expect, it } from 'vitest'
import { Recent } from '@/search/history'
import { byName, NameSearch, without, type Named } from '@/search/named'
import { emptyQuery, type Query, type Term } from '@/search/query'
import type { Hit, SearchAnswer, SearchBody } from '@/search/types'
import { queryKey } from '@/search/urlcodec'

const q = (words: string, terms: Term[] = [], filter: Query['filter'] = {}): Query => ({ ...emptyQuery, words, terms, filter })
const words = (value: string, weight = 1): Term => ({ kind: 'words', value, weight })
const hit = (id: number) => ({ id }) as Hit

interface Call { body: SearchBody; signal: AbortSignal; ok: (ids: number[]) => void; fail: () => void }

function rig() {
  const calls: Call[] = []
  const seen: { ids: number[]; key: string; kept: boolean }[] = []
  const search = new NameSearch({
    ask: (body, signal) =>
      new Promise<SearchAnswer>((ok, fail) =>
        calls.push({ body, signal, ok: (ids) => ok({ hits: ids.map(hit), next: null, total: ids.length, took_ms: 1, relevant_count: 0, terms: [] }), fail: () => fail(new Error('no')) })),
    change: (n, kept) => seen.push({ ids: n.hits.map((h) => h.id), key: n.key, kept }),
    kept: new Recent<Named>(3),
  })
  return { search, calls, seen }
}
const settle = () => new Promise((r) => setTimeout(r))

describe('by name', () => {
  it('asks the same with the words as the name', () => {
    expect(byName(q(' coming soon ', [], { format: 'jpeg' }))?.filter).toEqual({ format: 'jpeg', name: 'coming soon' })
    expect(byName(q('', [words('ysl')]))?.filter.name).toBe('ysl')
    expect(byName(q('ysl', [words('', -1)]))?.filter.name).toBe('ysl')
    expect(byName(q('日本'))?.filter.name).toBe('日本')
  })

  it('only for words alone that a name could hold', () => {
    for (const no of [emptyQuery, q('x'), q(' x '), q('😀'), q('a'.repeat(256)), q('', [words('ysl', -1)]), q('ysl', [words('red', -1)]), q('ysl', [words('red')]),
      q('ysl', [{ kind: 'like', value: '1', weight: 1 }]), q('', [{ kind: 'like', value: '12', weight: 1 }]), q('ysl', [], { name: 'bag' })])
      expect(byName(no), JSON.stringify(no)).toBeNull()
  })

  it('loses a picture that is gone', () => {
    const n: Named = { key: '', query: null, hits: [hit(1), hit(2)], total: 9 }
    expect(without(n, 2)).toMatchObject({ hits: [{ id: 1 }], total: 8 })
    expect(without(n, 3)).toBe(n)
  })
})

describe('name search', () => {
  it('asks for twelve and says whose they are', async () => {
    const { search, calls, seen } = rig()
    void search.ask(q('ysl', [], { root: 2 }))
    expect(calls[0]!.body).toEqual({ terms: [{ words: 'ysl', weight: 1 }], filter: { root: 2, name: 'ysl' }, limit: 12 })
    calls[0]!.ok([7])
    await settle()
    expect(seen).toEqual([{ ids: [7], key: queryKey(q('ysl', [], { root: 2 })), kept: false }])
  })

  it('aborts the older question and never shows its answer', async () => {
    const { search, calls, seen } = rig()
    void search.ask(q('ys'))
    void search.ask(q('ysl'))
    expect(calls[0]!.signal.aborted).toBe(true)
    calls[1]!.ok([2])
    calls[0]!.ok([1])
    await settle()
    expect(seen.map((s) => s.ids)).toEqual([[2]])
  })

  it('has nothing, without a request, where there is no name to ask for', () => {
    const { search, calls, seen } = rig()
    void search.ask(q('ysl'))
    void search.ask(q(''))
    expect(calls).toHaveLength(1)
    expect(calls[0]!.signal.aborted).toBe(true)
    expect(seen).toEqual([{ ids: [], key: queryKey(q('')), kept: false }])
  })

  it('a failure means none, and the next time it is asked again', async () => {
    const { search, calls, seen } = rig()
    void search.ask(q('ysl'))
    calls[0]!.fail()
    await settle()
    expect(seen[0]!.ids).toEqual([])
    void search.ask(q('bag'))
    search.show(q('ysl'))
    expect(calls).toHaveLength(3)
  })

  it('going back shows what was there at once; what is being asked is not asked twice', async () => {
    const { search, calls, seen } = rig()
    void search.ask(q('ysl'))
    search.show(q('ysl'))
    expect(calls).toHaveLength(1)
    calls[0]!.ok([5])
    await settle()
    void search.ask(q('bag'))
    search.show(q('ysl'))
    expect(calls).toHaveLength(2)
    expect(calls[1]!.signal.aborted).toBe(true)
    expect(seen.at(-1)).toEqual({ ids: [5], key: queryKey(q('ysl')), kept: true })
  })

  it('asks anew when the main search does', async () => {
    const { search, calls, seen } = rig()
    void search.ask(q('ysl'))
    calls[0]!.ok([5])
    await settle()
    void search.ask(q('ysl'))
    calls[1]!.ok([6, 5])
    await settle()
    expect(seen.at(-1)!.ids).toEqual([6, 5])
  })
})
