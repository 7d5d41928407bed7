import { describe, expect, it } from 'vitest'
import type { Duplicates } from '@/api/types'
import { DuplicateList } from '@/library/duplicateList'

interface Call { query: Record<string, string | number>; signal: AbortSignal; ok: (a: Duplicates) => void; fail: (e: unknown) => void }
const settle = () => new Promise((r) => setTimeout(r))

function rig() {
  const calls: Call[] = []
  const list = new DuplicateList((query, signal) => new Promise((ok, fail) => calls.push({ query, signal, ok, fail })), () => undefined, 2, 5)
  return { list, calls, ids: () => list.state.groups.map((g) => g.id) }
}
const answer = (ids: number[], next: number | null = null, total = ids.length): Duplicates => ({
  kind: 'near', total, next, unknown: 0, progress: null,
  groups: ids.map((id) => ({ id, members: [id, id + 1].map((n) => ({ id: n, name: '', path: '', offline: false, size: 1, width: 1, height: 1, format: 'jpeg', hash: '', distance: 0, cosine: 1 })) })),
})

describe('duplicate list', () => {
  it('pages by the last group, without showing one twice', async () => {
    const { list, calls, ids } = rig()
    void list.show({ kind: 'near', loose: 4 })
    expect(calls[0]!.query).toEqual({ kind: 'near', distance: 4, limit: 2 })
    calls[0]!.ok(answer([10, 20], 20, 3))
    await settle()
    void list.more()
    void list.more()
    expect(calls).toHaveLength(2)
    expect(calls[1]!.query).toEqual({ kind: 'near', distance: 4, limit: 2, after: 20 })
    calls[1]!.ok(answer([20, 30], null, 5)) // some are gone since they were counted
    await settle()
    expect(ids()).toEqual([10, 20, 30])
    expect(list.state.total).toBe(3)
    void list.more()
    expect(calls).toHaveLength(2)
  })

  it('another kind clears the list, another strictness keeps it until the answer', async () => {
    const { list, calls, ids } = rig()
    void list.show({ kind: 'near', loose: null })
    calls[0]!.ok(answer([10]))
    await settle()
    void list.show({ kind: 'near', loose: 2 })
    expect(ids()).toEqual([10])
    void list.show({ kind: 'similar', loose: null })
    expect(ids()).toEqual([])
    expect(calls[1]!.signal.aborted).toBe(true)
    calls[1]!.ok(answer([99]))
    calls[2]!.ok(answer([30]))
    await settle()
    expect(ids()).toEqual([30])
    void list.show({ kind: 'similar', loose: null })
    expect(calls).toHaveLength(3)
  })

  it('says what failed, and asks again', async () => {
    const { list, calls, ids } = rig()
    void list.show({ kind: 'same', loose: null })
    calls[0]!.fail(new Error('down'))
    await settle()
    expect(list.state).toMatchObject({ phase: 'error', error: new Error('down') })
    void list.again()
    calls[1]!.ok(answer([1], 1, 2))
    await settle()
    void list.more()
    calls[2]!.fail(new Error('down'))
    await settle()
    expect(list.state).toMatchObject({ phase: 'ready', paging: false, pageError: new Error('down') })
    expect(ids()).toEqual([1])
  })

  it('forgets', async () => {
    const { list, calls } = rig()
    void list.show({ kind: 'near', loose: null })
    calls[0]!.ok(answer([10, 20], 20, 7))
    await settle()
    list.forget(new Set([11]))
    expect(list.state.total).toBe(6)
    expect(list.state.groups.map((g) => g.id)).toEqual([20])
  })

  it('asks again while they are being found, and not after another wish', async () => {
    const { list, calls, ids } = rig()
    const after = (ms: number) => new Promise((r) => setTimeout(r, ms))
    void list.show({ kind: 'near', loose: null })
    calls[0]!.ok({ ...answer([]), unknown: 4, progress: { done: 3, total: 9 } })
    await settle()
    expect(list.state).toMatchObject({ phase: 'loading', progress: { done: 3, total: 9 } })
    await after(20)
    calls[1]!.ok({ ...answer([10]), unknown: 4 })
    await settle()
    expect(ids()).toEqual([10])
    expect(list.state).toMatchObject({ phase: 'ready', progress: null, unknown: 4 })
    void list.again()
    calls[2]!.ok({ ...answer([]), progress: { done: 1, total: 9 } })
    await settle()
    void list.show({ kind: 'similar', loose: null })
    await after(20)
    expect(calls).toHaveLength(4)
    expect(list.state).toMatchObject({ phase: 'loading', progress: null })
  })
})
