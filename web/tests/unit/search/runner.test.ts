import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { ApiError } from '@/api/client'
import { emptyQuery, type Query } from '@/search/query'
import { Runner } from '@/search/runner'
import type { Hit, SearchAnswer, SearchBody } from '@/search/types'

const q = (words: string): Query => ({ ...emptyQuery, words })
const answer = (ids: number[], next: string | null = null): SearchAnswer =>
  ({ hits: ids.map((id) => ({ id }) as Hit), next, total: 100, took_ms: 3, relevant_count: 1, terms: [] })

interface Call { body: SearchBody; signal: AbortSignal; ok: (a: SearchAnswer) => void; fail: (e: unknown) => void }
interface Read { query: Query; ok: (q: Query) => void; fail: (e: unknown) => void }

function rig() {
  const calls: Call[] = []
  const reads: Read[] = []
  const phases: string[] = []
  const runner = new Runner({
    ask: (body, signal) => new Promise((ok, fail) => calls.push({ body, signal, ok, fail })),
    read: (query) => new Promise((ok, fail) => reads.push({ query, ok, fail })),
    change: (s) => phases.push(s.phase),
    pageSize: 2,
  })
  const ids = () => runner.state.results?.hits.map((h) => h.id)
  return { runner, calls, reads, phases, ids }
}
const settle = () => vi.advanceTimersByTimeAsync(0)

describe('runner', () => {
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => void vi.useRealTimers())

  it('asks once for a burst of letters', async () => {
    const { runner, calls } = rig()
    for (const w of ['r', 're', 'red']) {
      runner.soon(q(w))
      await vi.advanceTimersByTimeAsync(100)
    }
    expect(calls).toHaveLength(0)
    await vi.advanceTimersByTimeAsync(60)
    expect(calls.map((c) => c.body.terms)).toEqual([[{ words: 'red', weight: 1 }]])
  })

  it('aborts the older request and never shows its late answer', async () => {
    const { runner, calls, ids } = rig()
    void runner.now(q('one'))
    void runner.now(q('two'))
    expect(calls[0]!.signal.aborted).toBe(true)
    calls[1]!.ok(answer([2]))
    await settle()
    calls[0]!.ok(answer([1]))
    await settle()
    expect(ids()).toEqual([2])
    expect(runner.state.phase).toBe('ready')
  })

  it('a late failure of an older request is not shown either', async () => {
    const { runner, calls } = rig()
    void runner.now(q('one'))
    void runner.now(q('two'))
    calls[0]!.fail(new Error('aborted'))
    await settle()
    expect(runner.state).toMatchObject({ phase: 'loading', error: null })
  })

  it('keeps the last results while the next question runs, and after an error', async () => {
    const { runner, calls, ids } = rig()
    void runner.now(q('one'))
    calls[0]!.ok(answer([1]))
    await settle()
    void runner.now(q('two'))
    expect(ids()).toEqual([1])
    expect(runner.state.phase).toBe('loading')
    calls[1]!.fail(new Error('down'))
    await settle()
    expect(runner.state.phase).toBe('error')
    void runner.now(q('two'))
    expect(calls).toHaveLength(3)
  })

  it('does not ask again what is on screen, unless told to', async () => {
    const { runner, calls } = rig()
    void runner.now(q('one'))
    calls[0]!.ok(answer([1]))
    await settle()
    void runner.now(q(' one '))
    expect(calls).toHaveLength(1)
    const turn = runner.state.results!.turn
    void runner.now(q('one'), true)
    expect(calls).toHaveLength(2)
    calls[1]!.ok(answer([1, 2]))
    await settle()
    expect(runner.state.results!.turn).not.toBe(turn)
  })

  it('going back to the earlier words while typing cancels the pending question', async () => {
    const { runner, calls } = rig()
    void runner.now(q('one'))
    runner.soon(q('one two'))
    void runner.now(q('one'))
    await vi.advanceTimersByTimeAsync(500)
    expect(calls).toHaveLength(1)
  })

  it('appends pages by cursor, one at a time, no picture twice', async () => {
    const { runner, calls, ids } = rig()
    void runner.now(q('one'))
    calls[0]!.ok(answer([1, 2], 'c1'))
    await settle()
    void runner.more()
    void runner.more()
    expect(calls).toHaveLength(2)
    expect(calls[1]!.body.cursor).toBe('c1')
    const turn = runner.state.results!.turn
    calls[1]!.ok(answer([2, 3], null))
    await settle()
    expect(ids()).toEqual([1, 2, 3])
    expect(runner.state.results!.turn).toBe(turn)
    void runner.more()
    expect(calls).toHaveLength(2)
  })

  it('drops a page that belongs to an older question', async () => {
    const { runner, calls, ids } = rig()
    void runner.now(q('one'))
    calls[0]!.ok(answer([1], 'c1'))
    await settle()
    void runner.more()
    void runner.now(q('two'))
    expect(calls[1]!.signal.aborted).toBe(true)
    calls[2]!.ok(answer([9]))
    await settle()
    calls[1]!.ok(answer([8]))
    await settle()
    expect(ids()).toEqual([9])
    expect(runner.state.paging).toBe(false)
  })

  it('a page that fails leaves the pages before it and can be tried again', async () => {
    const { runner, calls, ids } = rig()
    void runner.now(q('one'))
    calls[0]!.ok(answer([1], 'c1'))
    await settle()
    void runner.more()
    calls[1]!.fail(new Error('down'))
    await settle()
    expect(ids()).toEqual([1])
    expect(runner.state).toMatchObject({ phase: 'ready', paging: false, pageError: new Error('down') })
    void runner.more()
    expect(calls).toHaveLength(3)
    expect(runner.state.pageError).toBeNull()
  })

  it('shows an answer from before without asking, and pages on from it', async () => {
    const { runner, calls, ids } = rig()
    void runner.now(q('one'))
    calls[0]!.ok(answer([1], 'c1'))
    await settle()
    const kept = runner.state.results!
    void runner.now(q('two'))
    runner.show(q('one'), kept)
    calls[1]!.ok(answer([2]))
    await settle()
    expect(ids()).toEqual([1])
    void runner.more()
    expect(calls[2]!.body).toMatchObject({ cursor: 'c1', terms: [{ words: 'one' }] })
  })

  it('forgets a picture that was deleted', async () => {
    const { runner, calls, ids } = rig()
    void runner.now(q('one'))
    calls[0]!.ok(answer([1, 2]))
    await settle()
    runner.forget(1)
    runner.forget(77)
    expect(ids()).toEqual([2])
    expect(runner.state.results?.total).toBe(99)
  })

  describe('with a line that has to be read', () => {
    const read: Query = { ...emptyQuery, words: 'dogs', where: ['format:png'] }
    const bad = new ApiError("there is no filter 'fromat'", 400, 'invalid', undefined, { at: 5, len: 6 })

    it('searches what it says, pages on with it, and does not ask again for the same as chips', async () => {
      const { runner, calls, reads } = rig()
      void runner.now(q('dogs format:png'))
      expect(calls).toHaveLength(0)
      reads[0]!.ok(read)
      await settle()
      expect(calls[0]!.body).toEqual({ terms: [{ words: 'dogs', weight: 1 }], line: 'format:png', limit: 2 })
      calls[0]!.ok(answer([1, 2], 'c1'))
      await settle()
      expect(runner.state.results?.query).toBe(read)
      void runner.now(read)
      void runner.now(q('dogs format:png'))
      expect([calls.length, reads.length]).toEqual([1, 1])
      void runner.more()
      expect(calls[1]!.body).toMatchObject({ line: 'format:png', cursor: 'c1' })
    })

    it('half a line leaves what is on screen, and says what is wrong with which line', async () => {
      const { runner, calls, reads, ids } = rig()
      void runner.now(q('dogs'))
      calls[0]!.ok(answer([1]))
      await settle()
      void runner.now(q('dogs fromat:png'))
      reads[0]!.fail(bad)
      await settle()
      expect(ids()).toEqual([1])
      expect(runner.state).toMatchObject({ phase: 'ready', wrong: { line: 'dogs fromat:png', at: 5, len: 6 } })
      void runner.now(q('dogs format:png'))
      expect(runner.state.wrong).toBeNull()
    })

    it('with nothing on screen it is an error', async () => {
      const { runner, reads } = rig()
      void runner.now(q('fromat:png'))
      reads[0]!.fail(bad)
      await settle()
      expect(runner.state).toMatchObject({ phase: 'error', error: bad, wrong: { line: 'fromat:png' } })
    })

    it('a server that is gone is not the fault of the line', async () => {
      const { runner, calls, reads } = rig()
      void runner.now(q('dogs'))
      calls[0]!.ok(answer([1]))
      await settle()
      void runner.now(q('-dogs'))
      reads[0]!.fail(new ApiError('no answer', 0))
      await settle()
      expect(runner.state).toMatchObject({ phase: 'error', wrong: null })
    })

    it('a reading that comes late is dropped', async () => {
      const { runner, calls, reads } = rig()
      void runner.now(q('dogs -a'))
      void runner.now(q('dogs'))
      reads[0]!.ok(read)
      await settle()
      expect(calls.map((c) => c.body.terms)).toEqual([[{ words: 'dogs', weight: 1 }]])
    })
  })
})
