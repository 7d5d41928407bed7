// query.ts - one query: the words in the box, further terms as chips, and filters: the filter bar's, and conditions that were written
// into the line. All must hold. Values never change; each verb gives a new query.
import type { ApiTerm, Filter, SearchBody } from './types'

export type TermKind = 'words' | 'like' | 'url' | 'upload'

/** `value`: the words, the id, the address, or the server's token of an uploaded picture. Negative weight: away from it. */
export interface Term {
  kind: TermKind
  value: string
  weight: number
}

export interface Query {
  words: string
  terms: readonly Term[]
  /** Conditions in the grammar of docs/QUERY.md, tidied: "width>2000", "(format:png or format:gif)", "score>0.2". */
  where: readonly string[]
  filter: Filter
}

export const emptyQuery: Query = { words: '', terms: [], where: [], filter: {} }

/** The API takes 10; beyond 5 one term drowns the others. */
export const maxWeight = 5
export const minWeight = 0.25
const step = 0.25

export const termKey = (t: Pick<Term, 'kind' | 'value'>) => `${t.kind}:${t.value}`

export const isNegative = (t: Term) => t.weight < 0

export const hasTerms = (q: Query) => q.words.trim() !== '' || q.terms.some((t) => t.value.trim() !== '')

export const hasFilter = (q: Query) => q.where.length > 0 || Object.values(q.filter).some((v) => v !== undefined)

export const withoutFilters = (q: Query): Query => ({ ...q, where: [], filter: {} })

export const isEmpty = (q: Query) => !hasTerms(q) && !hasFilter(q)

/** A term that is there already takes the new weight instead of standing there twice. */
export function addTerm(q: Query, term: Term): Query {
  const key = termKey(term)
  const at = q.terms.findIndex((t) => termKey(t) === key)
  const terms = at < 0 ? [...q.terms, term] : q.terms.map((t, i) => (i === at ? term : t))
  return { ...q, terms }
}

export function removeTerm(q: Query, index: number): Query {
  return { ...q, terms: q.terms.filter((_, i) => i !== index) }
}

export function setTerm(q: Query, index: number, change: Partial<Term>): Query {
  return { ...q, terms: q.terms.map((t, i) => (i === index ? { ...t, ...change } : t)) }
}

export function flipTerm(q: Query, index: number): Query {
  const t = q.terms[index]
  return t ? setTerm(q, index, { weight: -t.weight }) : q
}

export const removeWhere = (q: Query, index: number): Query => ({ ...q, where: q.where.filter((_, i) => i !== index) })

/** Stronger (+1) or weaker (-1) by one step; the sign stays. */
export function nudgeWeight(weight: number, direction: 1 | -1): number {
  const size = Math.abs(weight)
  const by = size > 2 || (size === 2 && direction > 0) ? 2 * step : step
  const next = Math.round((size + direction * by) / step) * step
  // What was written into the line may lie outside of the usual range: a step never leads the other way.
  return Math.sign(weight) * Math.min(Math.max(maxWeight, size), Math.max(Math.min(minWeight, size), next))
}

/** "More like this" starts from that picture alone; words and chips before it would blur what is asked. Filters stay. */
export function moreLike(q: Query, id: number): Query {
  return { ...q, words: '', terms: [{ kind: 'like', value: String(id), weight: 1 }] }
}

/** "Less like this" goes on with what was asked and steps away from the picture. */
export function lessLike(q: Query, id: number): Query {
  return addTerm(q, { kind: 'like', value: String(id), weight: -0.5 })
}

export function likeAll(q: Query, ids: readonly number[]): Query {
  return { ...q, words: '', terms: ids.map((id) => ({ kind: 'like', value: String(id), weight: 1 })) }
}

function apiTerm(t: Term): ApiTerm {
  if (t.kind === 'like') return { like: Number(t.value), weight: t.weight }
  return { [t.kind]: t.value, weight: t.weight }
}

/** What is set and not empty, so that equal filters look equal. */
export function cleanFilter(f: Filter): Filter {
  const entries = Object.entries(f).filter(([, v]) => v !== undefined && v !== '' && v !== 0 && !Number.isNaN(v))
  return Object.fromEntries(entries) as Filter
}

/** The terms that go to the server: the box first, chips still being written left out. */
export function sentTerms(q: Query): Term[] {
  const words = q.words.trim()
  const box: Term[] = words ? [{ kind: 'words', value: words, weight: 1 }] : []
  return [...box, ...q.terms.filter((t) => t.value.trim() !== '')]
}

export function toBody(q: Query, limit: number, cursor?: string): SearchBody {
  const body: SearchBody = { terms: sentTerms(q).map(apiTerm), limit }
  const filter = cleanFilter(q.filter)
  if (Object.keys(filter).length) body.filter = filter
  if (q.where.length) body.line = q.where.join(' ')
  if (cursor) body.cursor = cursor
  return body
}

/** Only minus terms: the answer is "what is least like this", which deserves a word on the page. */
export const onlyNegative = (q: Query) => {
  const sent = sentTerms(q)
  return sent.length > 0 && sent.every(isNegative)
}
