// window.ts - which rows of a long list lie near the viewport. Rows are sorted by top.
import type { Row } from './justified'

/** Index of the first row whose lower edge is below y; rows.length if none. */
export function firstBelow(rows: readonly Row[], y: number): number {
  let lo = 0
  let hi = rows.length
  while (lo < hi) {
    const mid = (lo + hi) >> 1
    const row = rows[mid]
    if (row && row.top + row.height > y) hi = mid
    else lo = mid + 1
  }
  return lo
}

/** Rows that touch [top - overscan, bottom + overscan], and always `keep` (the row that has the focus). */
export function visibleRows(rows: readonly Row[], top: number, bottom: number, overscan: number, keep = -1): Row[] {
  const from = firstBelow(rows, top - overscan)
  const out: Row[] = []
  for (let i = from; i < rows.length; i++) {
    const row = rows[i]
    if (!row || row.top > bottom + overscan) break
    out.push(row)
  }
  const kept = rows[keep]
  if (kept && !out.includes(kept)) {
    if (keep < from) out.unshift(kept)
    else out.push(kept)
  }
  return out
}

/** Row that holds the picture; -1 if it isn't laid out. */
export function rowOf(rows: readonly Row[], picture: number): number {
  let lo = 0
  let hi = rows.length
  while (lo < hi) {
    const mid = (lo + hi) >> 1
    const row = rows[mid]
    if (row && row.to > picture) hi = mid
    else lo = mid + 1
  }
  const row = rows[lo]
  return row && row.from <= picture && picture < row.to ? lo : -1
}

/** How far to scroll so that the row is seen: the new top, or null if it is in sight already. */
export function scrollFor(row: Row, top: number, bottom: number, margin: number): number | null {
  if (row.top - margin < top) return Math.max(0, row.top - margin)
  if (row.top + row.height + margin > bottom) return row.top + row.height + margin - (bottom - top)
  return null
}
