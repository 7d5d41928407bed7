// justified.ts - pictures of any shape as rows of one width: equal height in a row, true aspect ratios, nothing cropped.
//
// Greedy: a row closes where its height comes nearest to the wish. Knuth's total-fit breaks were tried on paper and dropped: they
// would move rows already on screen when the next page comes. For the same reason the last row of a section that goes on is held
// back until it is full.

export interface Cell {
  index: number
  left: number
  width: number
}

export interface Row {
  /** Place in the list of rows; also the key. */
  index: number
  top: number
  height: number
  /** Cells hold the pictures from..to-1. */
  from: number
  to: number
  cells: Cell[]
  /** The line where relevance ends, instead of cells. */
  line?: true
}

export interface Layout {
  rows: Row[]
  height: number
}

export interface LayoutOptions {
  width: number
  /** Wished height of a row. */
  target: number
  gap: number
  /** Index of the first picture below the line; -1: no line. */
  breakAt?: number
  /** Height of the line with its space. */
  lineHeight?: number
  /** More will come: the last row is held back unless it is full. */
  more?: boolean
}

/** Beyond these a cell keeps a usable size and the picture is shown whole inside it. */
export const minRatio = 0.45
export const maxRatio = 3.6

export function cellRatio(width: number, height: number): number {
  const r = width > 0 && height > 0 ? width / height : 1
  return Math.min(maxRatio, Math.max(minRatio, r))
}

class Builder {
  rows: Row[] = []
  top = 0
  constructor(readonly o: LayoutOptions) {}

  private push(row: Omit<Row, 'index' | 'top'>) {
    this.rows.push({ index: this.rows.length, top: this.top, ...row })
    this.top += row.height + (row.line ? 0 : this.o.gap)
  }

  line(at: number) {
    this.push({ height: this.o.lineHeight ?? 0, from: at, to: at, cells: [], line: true })
  }

  /** Close a row; `stretch`: fill the width exactly. */
  row(ratios: readonly number[], from: number, to: number, sum: number, stretch: boolean) {
    const { width, target, gap } = this.o
    const room = width - gap * (to - from - 1)
    const fit = room / sum
    const height = stretch ? Math.round(fit) : Math.min(Math.round(fit), target)
    let left = 0
    const cells: Cell[] = []
    for (let i = from; i < to; i++) {
      const exact = (ratios[i] ?? 1) * (stretch ? fit : height)
      const w = stretch && i === to - 1 ? width - left : Math.round(exact)
      cells.push({ index: i, left, width: w })
      left += w + gap
    }
    this.push({ height, from, to, cells })
  }

  /** Rows for ratios[from..to); `hold`: leave out a last row that isn't full. */
  section(ratios: readonly number[], from: number, to: number, hold: boolean) {
    const { width, target, gap } = this.o
    let start = from
    let sum = 0
    for (let i = from; i < to; i++) {
      const ratio = ratios[i] ?? 1
      const before = start < i ? (width - gap * (i - start - 1)) / sum : Infinity
      const after = (width - gap * (i - start)) / (sum + ratio)
      if (after > target) {
        sum += ratio
        continue
      }
      if (before - target < target - after) {
        this.row(ratios, start, i, sum, true)
        start = i
        sum = ratio
        if (width / ratio > target) continue
      } else sum += ratio
      this.row(ratios, start, i + 1, sum, true)
      start = i + 1
      sum = 0
    }
    if (start < to && !hold) {
      const fit = (width - gap * (to - start - 1)) / sum
      this.row(ratios, start, to, sum, fit <= target * 1.15)
    }
  }
}

/** `ratios`: width / height of each picture, through cellRatio(). */
export function layout(ratios: readonly number[], options: LayoutOptions): Layout {
  const b = new Builder(options)
  const n = ratios.length
  if (options.width <= 0) return { rows: [], height: 0 }
  const cut = options.breakAt ?? -1
  const more = options.more ?? false
  if (cut < 0 || cut >= n) b.section(ratios, 0, n, more)
  else {
    b.section(ratios, 0, cut, false)
    b.line(cut)
    b.section(ratios, cut, n, more)
  }
  return { rows: b.rows, height: b.rows.length ? Math.max(0, b.top - (b.rows.at(-1)?.line ? 0 : options.gap)) : 0 }
}

/** Wished row height for a width: about two pictures beside each other on a phone, larger ones on a large screen. */
export function targetHeight(width: number, density = 1): number {
  const base = width < 480 ? 132 : width < 900 ? 168 : width < 1800 ? 208 : width < 2800 ? 248 : 304
  return Math.round(base * density)
}
