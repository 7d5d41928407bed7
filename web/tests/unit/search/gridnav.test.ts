import { describe, expect, it } from 'vitest'
import { moveSpot, type Spot } from '@/search/gridnav'
import { layout } from '@/search/justified'

// Three rows of 4, the line, two rows of 4: 1000 wide, unequal cells.
const rs = [1, 2, 1, 1, 2, 1, 1, 1, 1, 1, 1, 2, 1, 1, 2, 1, 1, 2, 1, 1]
const rows = layout(rs, { width: 1024, target: 200, gap: 8, breakAt: 12, lineHeight: 48 }).rows
const at = (index: number, goal: number | null = null): Spot => ({ index, goal })
const go = (spot: Spot, key: string, ctrl = false) => moveSpot(rows, spot, key, ctrl, 500)

describe('gridnav', () => {
  it('stands on the rows that the tests speak of', () => {
    expect(rows.map((r) => (r.line ? 'line' : `${r.from}-${r.to}`))).toEqual(['0-4', '4-8', '8-12', 'line', '12-16', '16-20'])
  })

  it('walks left and right through all pictures and stops at both ends', () => {
    let spot: Spot | null = at(0)
    let steps = 0
    for (let next: Spot | null = spot; next; next = go(next, 'ArrowRight')) (spot = next), steps++
    expect(spot?.index).toBe(19)
    expect(steps).toBe(20)
    expect(go(at(0), 'ArrowLeft')).toBeNull()
    expect(go(at(12), 'ArrowLeft')?.index).toBe(11)
  })

  it('goes down to the cell below the middle and keeps to the column', () => {
    const one = go(at(3), 'ArrowDown')!
    expect(one.index).toBe(7)
    const two = go(one, 'ArrowDown')!
    expect(two.index).toBe(11)
    expect(two.goal).toBe(one.goal)
    expect(go(go(two, 'ArrowUp')!, 'ArrowUp')!.index).toBe(3)
  })

  it('steps over the line and stops at the edges', () => {
    expect(rows[3]!.line).toBe(true)
    expect(go(at(8), 'ArrowDown')!.index).toBe(12)
    expect(go(at(12), 'ArrowUp')!.index).toBe(8)
    expect(go(at(1), 'ArrowUp')).toBeNull()
    expect(go(at(18), 'ArrowDown')).toBeNull()
  })

  it('knows the ends of a row and of the list', () => {
    expect(go(at(6), 'Home')!.index).toBe(4)
    expect(go(at(6), 'End')!.index).toBe(7)
    expect(go(at(6), 'Home', true)!.index).toBe(0)
    expect(go(at(6), 'End', true)!.index).toBe(19)
    expect(go(at(0), 'Home')).toBeNull()
  })

  it('pages by the height of the view', () => {
    expect(go(at(0), 'PageDown')!.index).toBe(8)
    expect(go(at(16), 'PageUp')!.index).toBeLessThan(12)
    expect(go(at(17), 'PageDown')!.index).toBeGreaterThanOrEqual(16)
    expect(go(at(1), 'PageUp')!.index).toBeLessThan(4)
  })

  it('leaves other keys and places alone', () => {
    expect(go(at(0), 'a')).toBeNull()
    expect(go(at(99), 'ArrowRight')).toBeNull()
    expect(moveSpot([], at(0), 'ArrowDown', false, 100)).toBeNull()
  })
})
