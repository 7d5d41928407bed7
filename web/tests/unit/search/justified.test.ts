import { describe, expect, it } from 'vitest'
import { cellRatio, layout, maxRatio, minRatio, targetHeight, type LayoutOptions } from '@/search/justified'

/** Repeatable pseudo-random ratios of usual photographs, with panoramas and towers in between. */
function ratios(n: number, seed = 1): number[] {
  let x = seed
  const next = () => (x = (x * 1103515245 + 12345) % 2147483648) / 2147483648
  const usual = [1.5, 1.333, 0.667, 0.75, 1, 1.778, 0.5625, 3.6, 0.45]
  return Array.from({ length: n }, () => usual[Math.floor(next() * usual.length)] as number)
}

const options: LayoutOptions = { width: 1000, target: 200, gap: 8 }

describe('justified', () => {
  it('lays out every picture once, in order, without gaps or overlaps', () => {
    for (const width of [200, 328, 1000, 3000])
      for (const n of [0, 1, 2, 7, 500]) {
        const l = layout(ratios(n, width + n), { ...options, width })
        expect(l.rows.flatMap((r) => r.cells.map((c) => c.index))).toEqual(Array.from({ length: n }, (_, i) => i))
        for (const r of l.rows) {
          r.cells.forEach((c, i) => expect(c.left).toBe(i ? r.cells[i - 1]!.left + r.cells[i - 1]!.width + 8 : 0))
          expect(r.index).toBe(l.rows.indexOf(r))
        }
        for (let i = 1; i < l.rows.length; i++) expect(l.rows[i]!.top).toBe(l.rows[i - 1]!.top + l.rows[i - 1]!.height + 8)
        const last = l.rows.at(-1)
        expect(l.height).toBe(last ? last.top + last.height : 0)
      }
  })

  it('fills each row but the last to the pixel', () => {
    const l = layout(ratios(300), options)
    for (const r of l.rows.slice(0, -1)) {
      const end = r.cells.at(-1)!
      expect(end.left + end.width).toBe(1000)
    }
  })

  it('keeps aspect ratios true within a pixel or two, and heights near the wish', () => {
    const rs = ratios(400, 5)
    for (const r of layout(rs, options).rows.slice(0, -1)) {
      expect(r.height).toBeGreaterThan(110)
      expect(r.height).toBeLessThan(360)
      for (const c of r.cells) expect(Math.abs(c.width - r.height * rs[c.index]!)).toBeLessThanOrEqual(4)
    }
  })

  it('does not blow up a short last row, nor let it stick out', () => {
    const l = layout([1.5, 1.5], options)
    expect(l.rows).toHaveLength(1)
    expect(l.rows[0]!.height).toBe(200)
    const wide = layout([3.6], { ...options, width: 300 })
    expect(wide.rows[0]!.cells[0]!.width).toBeLessThanOrEqual(300)
  })

  it('rows on screen never move when the next page comes', () => {
    const rs = ratios(180, 9)
    for (const cut of [17, 60, 61, 119]) {
      const before = layout(rs.slice(0, cut), { ...options, more: true })
      const after = layout(rs, { ...options, more: true })
      expect(after.rows.slice(0, before.rows.length)).toEqual(before.rows)
    }
  })

  it('also with the line where relevance ends, which stands alone between two sections', () => {
    const rs = ratios(120, 3)
    const l = layout(rs, { ...options, breakAt: 13, lineHeight: 48 })
    const line = l.rows.find((r) => r.line)!
    expect(line).toMatchObject({ from: 13, to: 13, height: 48, cells: [] })
    expect(l.rows[line.index - 1]!.to).toBe(13)
    expect(l.rows[line.index + 1]!.from).toBe(13)
    expect(l.rows[line.index + 1]!.top).toBe(line.top + 48)
    const before = layout(rs.slice(0, 60), { ...options, breakAt: 13, lineHeight: 48, more: true })
    expect(l.rows.slice(0, before.rows.length)).toEqual(before.rows)
  })

  it('may put the line first, and leaves it out when all is relevant', () => {
    expect(layout([1, 1], { ...options, breakAt: 0, lineHeight: 48 }).rows[0]!.line).toBe(true)
    expect(layout([1, 1], { ...options, breakAt: 2, lineHeight: 48 }).rows.some((r) => r.line)).toBe(false)
    expect(layout([1, 1], { ...options, breakAt: -1 }).rows).toHaveLength(1)
  })

  it('gives odd shapes a cell that can be used', () => {
    expect(cellRatio(10000, 100)).toBe(maxRatio)
    expect(cellRatio(100, 10000)).toBe(minRatio)
    expect(cellRatio(0, 0)).toBe(1)
    expect(cellRatio(3, 2)).toBe(1.5)
  })

  it('has no rows without a width', () => {
    expect(layout([1, 1], { ...options, width: 0 })).toEqual({ rows: [], height: 0 })
  })

  it('grows pictures with the screen', () => {
    const hs = [320, 600, 1200, 2000, 3400].map((w) => targetHeight(w))
    expect([...hs].sort((a, b) => a - b)).toEqual(hs)
  })

  it('lays out 50,000 pictures without making anybody wait', () => {
    const rs = ratios(50000)
    layout(rs, options)
    const t = performance.now()
    const l = layout(rs, options)
    expect(performance.now() - t).toBeLessThan(2000) // 20 ms on an idle machine
    expect(l.rows.length).toBeGreaterThan(8000)
  })
})
