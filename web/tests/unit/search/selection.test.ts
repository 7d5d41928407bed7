import { describe, expect, it } from 'vitest'
import { addAll, drop, noSelection, range, toggle } from '@/search/selection'
import type { Hit } from '@/search/types'

const hits = [1, 2, 3, 4, 5, 6].map((id) => ({ id }) as Hit)
const ids = (s: { picked: ReadonlyMap<number, Hit> }) => [...s.picked.keys()]

describe('selection', () => {
  it('picks and unpicks one', () => {
    const s = toggle(noSelection, hits[1]!)
    expect(ids(s)).toEqual([2])
    expect(ids(toggle(s, hits[1]!))).toEqual([])
    expect(ids(noSelection)).toEqual([])
  })
  it('takes ranges in both directions from the same anchor', () => {
    const s = toggle(noSelection, hits[2]!)
    expect(ids(range(s, hits, 4)).sort()).toEqual([3, 4, 5])
    expect(ids(range(range(s, hits, 4), hits, 0)).sort()).toEqual([1, 2, 3, 4, 5])
  })
  it('picks just the hit when the anchor is not on the list', () => {
    expect(ids(range(noSelection, hits, 3))).toEqual([4])
    expect(ids(range(toggle(noSelection, { id: 99 } as Hit), hits, 3))).toEqual([99, 4])
    expect(ids(range(noSelection, hits, 77))).toEqual([])
  })
  it('outlives a new list, adds all, drops one', () => {
    const s = addAll(toggle(noSelection, { id: 99 } as Hit), hits)
    expect(s.picked.size).toBe(7)
    expect(drop(s, 99).picked.size).toBe(6)
    expect(drop(s, 99).anchor).toBeNull()
  })
})
