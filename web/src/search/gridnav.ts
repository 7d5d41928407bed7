// gridnav.ts - arrow keys over rows of unequal cells. Up and down keep to the column where the walk began.
import type { Row } from './justified'
import { firstBelow, rowOf } from './window'

export interface Spot {
  index: number
  /** Middle of the column that up and down keep to; null: take it from the cell. */
  goal: number | null
}

const isPictures = (row: Row | undefined): row is Row => !!row && !row.line && row.cells.length > 0

function middle(row: Row, index: number): number {
  const cell = row.cells[index - row.from]
  return cell ? cell.left + cell.width / 2 : 0
}

function nearest(row: Row, x: number): number {
  let best = row.from
  let least = Infinity
  for (const cell of row.cells) {
    const away = Math.max(cell.left - x, x - cell.left - cell.width, 0)
    if (away < least) {
      least = away
      best = cell.index
    }
  }
  return best
}

function rowBeside(rows: readonly Row[], from: number, by: 1 | -1): Row | undefined {
  for (let i = from + by; i >= 0 && i < rows.length; i += by) if (isPictures(rows[i])) return rows[i]
  return undefined
}

function paged(rows: readonly Row[], at: number, by: number): Row | undefined {
  const here = rows[at]
  if (!here) return undefined
  const y = here.top + here.height / 2 + by
  const i = Math.min(rows.length - 1, Math.max(0, firstBelow(rows, y)))
  const row = rows[i]
  return isPictures(row) ? row : rowBeside(rows, i, by > 0 ? 1 : -1)
}

/** Where a key leads from a spot; null: the key isn't one of the grid's, or there is nothing that way. `page`: viewport height. */
export function moveSpot(rows: readonly Row[], spot: Spot, key: string, ctrl: boolean, page: number): Spot | null {
  const at = rowOf(rows, spot.index)
  const row = rows[at]
  if (!row) return null
  const end = (rows.at(-1)?.to ?? 0) - 1
  const to = (index: number): Spot | null =>
    index < 0 || index > end || index === spot.index ? null : { index, goal: null }
  const vertical = (target: Row | undefined): Spot | null => {
    if (!target) return null
    const goal = spot.goal ?? middle(row, spot.index)
    return { index: nearest(target, goal), goal }
  }
  switch (key) {
    case 'ArrowLeft':
      return to(spot.index - 1)
    case 'ArrowRight':
      return to(spot.index + 1)
    case 'ArrowUp':
      return vertical(rowBeside(rows, at, -1))
    case 'ArrowDown':
      return vertical(rowBeside(rows, at, 1))
    case 'PageUp':
      return vertical(paged(rows, at, -page))
    case 'PageDown':
      return vertical(paged(rows, at, page))
    case 'Home':
      return to(ctrl ? 0 : row.from)
    case 'End':
      return to(ctrl ? end : row.to - 1)
    default:
      return null
  }
}
