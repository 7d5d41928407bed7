import { describe, expect, it } from 'vitest'
import { layout } from '@/search/justified'
import { firstBelow, rowOf, scrollFor, visibleRows } from '@/search/window'

const rows = layout(Array.from({ length: 20000 }, (_, i) => 0.5 + (i % 7) / 4), { width: 1200, target: 200, gap: 8, breakAt: 40, lineHeight: 48 }).rows

describe('window', () => {
  it('finds the same rows as looking at each of them', () => {
    for (const y of [-50, 0, 1, 208, 5000, 123456, 1e9]) expect(firstBelow(rows, y)).toBe(rows.filter((r) => r.top + r.height <= y).length)
    for (const top of [0, 777, 90000]) {
      const plain = rows.filter((r) => r.top + r.height > top - 400 && r.top <= top + 900 + 400)
      expect(visibleRows(rows, top, top + 900, 400)).toEqual(plain)
    }
  })

  it('holds a screen and its surroundings, however long the list', () => {
    expect(visibleRows(rows, 400000, 400900, 900).length).toBeLessThan(20)
    expect(visibleRows([], 0, 900, 400)).toEqual([])
  })

  it('keeps the row with the focus, in order and only once', () => {
    const above = visibleRows(rows, 50000, 50900, 400, 2)
    expect(above[0]).toBe(rows[2])
    const below = visibleRows(rows, 0, 900, 400, 500)
    expect(below.at(-1)).toBe(rows[500])
    const within = visibleRows(rows, 0, 900, 400, 1)
    expect(new Set(within).size).toBe(within.length)
  })

  it('finds the row of a picture', () => {
    for (const i of [0, 1, 39, 40, 41, 19999]) {
      const r = rows[rowOf(rows, i)]!
      expect(r.cells.some((c) => c.index === i)).toBe(true)
    }
    expect(rowOf(rows, 20000)).toBe(-1)
    expect(rowOf([], 0)).toBe(-1)
  })

  it('scrolls only as far as needed', () => {
    const row = { index: 0, top: 1000, height: 200, from: 0, to: 1, cells: [] }
    expect(scrollFor(row, 900, 1300, 10)).toBeNull()
    expect(scrollFor(row, 1100, 1500, 10)).toBe(990)
    expect(scrollFor(row, 0, 900, 10)).toBe(310)
    expect(scrollFor({ ...row, top: 4 }, 100, 500, 10)).toBe(0)
  })
})
