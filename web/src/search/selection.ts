// selection.ts - the pictures that are picked out. Kept by id, so it outlives a new search: one can collect from several.
import type { Hit } from './types'

export interface Selection {
  picked: ReadonlyMap<number, Hit>
  /** Where a shift-range starts. */
  anchor: number | null
}

export const noSelection: Selection = { picked: new Map(), anchor: null }

export function toggle(s: Selection, hit: Hit): Selection {
  const picked = new Map(s.picked)
  if (!picked.delete(hit.id)) picked.set(hit.id, hit)
  return { picked, anchor: hit.id }
}

/** From the anchor to the hit, both included; the anchor stays. Without one on the list: just the hit. */
export function range(s: Selection, hits: readonly Hit[], to: number): Selection {
  const from = hits.findIndex((h) => h.id === s.anchor)
  const target = hits[to]
  if (!target) return s
  if (from < 0) return toggle({ ...s, picked: withoutHit(s.picked, target.id) }, target)
  const picked = new Map(s.picked)
  for (const h of hits.slice(Math.min(from, to), Math.max(from, to) + 1)) picked.set(h.id, h)
  return { picked, anchor: s.anchor }
}

function withoutHit(picked: ReadonlyMap<number, Hit>, id: number): Map<number, Hit> {
  const out = new Map(picked)
  out.delete(id)
  return out
}

export function addAll(s: Selection, hits: readonly Hit[]): Selection {
  const picked = new Map(s.picked)
  for (const h of hits) picked.set(h.id, h)
  return { picked, anchor: s.anchor }
}

export function drop(s: Selection, id: number): Selection {
  return { picked: withoutHit(s.picked, id), anchor: s.anchor === id ? null : s.anchor }
}
