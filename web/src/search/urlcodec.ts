// urlcodec.ts - a query as an address and back, so that reload, back and a shared link ask the same.
//
// q=words & term=[-][WEIGHT*]KIND:VALUE (once a chip) & where=CONDITION (once a chip) & filters by the API's names & view=ID (the
// open picture).
// What can't be understood is left out rather than refused: old links should still show something.
import { cleanFilter, type Query, type Term, type TermKind } from './query'
import type { Filter, Orientation } from './types'

export type Params = Record<string, string | string[]>
/** As vue-router gives it. */
export type LooseParams = Record<string, string | null | (string | null)[] | undefined>

const kinds: readonly TermKind[] = ['words', 'like', 'url', 'upload']
const texts = ['path', 'name', 'format', 'camera'] as const
const times = ['taken_from', 'taken_to', 'added_from', 'added_to'] as const
const numbers = ['root', 'min_width', 'min_height', 'min_megapixels', 'max_megapixels'] as const
const orientations: readonly Orientation[] = ['landscape', 'portrait', 'square']

const maxTerms = 32
const maxConditions = 64

export function encodeTerm(t: Term): string {
  const size = Math.abs(t.weight)
  return (t.weight < 0 ? '-' : '') + (size === 1 ? '' : `${size}*`) + `${t.kind}:${t.value}`
}

export function decodeTerm(text: string): Term | null {
  const m = /^(-?)(?:(\d+(?:\.\d+)?)\*)?([a-z]+):(.*)$/s.exec(text)
  if (!m) return null
  const [, sign, size, kindText, value = ''] = m
  const kind = kinds.find((k) => k === kindText)
  const weight = Number(size ?? 1)
  if (!kind || value.trim() === '' || !(weight > 0 && weight <= 10)) return null
  if (kind === 'like' && !/^[1-9]\d{0,15}$/.test(value)) return null
  return { kind, value, weight: sign ? -weight : weight }
}

export function encodeQuery(q: Query): Params {
  const out: Params = {}
  if (q.words.trim()) out.q = q.words.trim()
  const terms = q.terms.filter((t) => t.value.trim() !== '').map(encodeTerm)
  if (terms.length) out.term = terms
  if (q.where.length) out.where = [...q.where]
  for (const [name, value] of Object.entries(cleanFilter(q.filter))) out[name] = String(value)
  return out
}

function list(value: LooseParams[string]): string[] {
  return (Array.isArray(value) ? value : [value]).filter((v): v is string => typeof v === 'string')
}

const first = (value: LooseParams[string]) => list(value)[0]

function decodeFilter(p: LooseParams): Filter {
  const f: Filter = {}
  for (const name of texts) f[name] = first(p[name])?.trim()
  for (const name of times) {
    const text = first(p[name])
    if (text && !Number.isNaN(Date.parse(text))) f[name] = text
  }
  for (const name of numbers) {
    const n = Number(first(p[name]))
    if (Number.isFinite(n) && n > 0) f[name] = n
  }
  f.orientation = orientations.find((o) => o === first(p.orientation))
  const gps = first(p.gps)
  if (gps === 'true' || gps === 'false') f.gps = gps === 'true'
  return cleanFilter(f)
}

export function decodeQuery(p: LooseParams): Query {
  const terms: Term[] = []
  for (const text of list(p.term)) {
    const t = decodeTerm(text)
    if (t && terms.length < maxTerms) terms.push(t)
  }
  const where = list(p.where).map((s) => s.trim()).filter((s) => s !== '').slice(0, maxConditions)
  return { words: first(p.q)?.trim() ?? '', terms, where, filter: decodeFilter(p) }
}

/** One text for one query, however it was written: the key of caches and comparisons. */
export function queryKey(q: Query): string {
  const params = encodeQuery(q)
  return JSON.stringify(Object.keys(params).sort().map((k) => [k, params[k]]))
}
