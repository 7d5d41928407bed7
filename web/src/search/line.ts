// line.ts - what is typed, in the one grammar of docs/QUERY.md. The server reads it, so that the page, the command line and the API
// can't differ; here is only what must be known before it is asked, and how its answer becomes chips.
//
// Most of what people type has no sign of the grammar in it: that is words as they stand, and nobody is asked.
import { ApiError, get } from '@/api/client'
import { addTerm, type Query, type Term } from './query'
import type { Reading } from './types'

/** Nothing in it could mean anything but words. The grammar's signs count only at the beginning of a word; keys and weights end in : < or >. */
export const isPlain = (text: string) => !/(?:^|\s)[+\-@#"“]|[:<>]/u.test(text)

/** The part of a line that can't be read; `at` and `len` count characters as the server does, which is not how strings do. */
export interface Wrong {
  line: string
  text: string
  at: number
  len: number
}

export const wrongOf = (e: unknown, line: string): Wrong | null =>
  e instanceof ApiError && e.status === 400 && e.place ? { line, text: e.message, ...e.place } : null

/** [before, the wrong part, after]; something to see even when the error is that something is missing at the end. */
export function markWrong(w: Wrong): [string, string, string] {
  const all = [...w.line]
  const at = Math.min(w.at, Math.max(0, all.length - 1))
  const end = Math.max(at + 1, w.at + w.len)
  return [all.slice(0, at).join(''), all.slice(at, end).join(''), all.slice(end).join('')]
}

/** The filters of a tidied line, one by one; what stands in a parenthesis stays together. */
export function splitFilters(text: string): string[] {
  const out: string[] = []
  let one = ''
  let depth = 0
  let quoted = false
  for (let i = 0; i < text.length; i++) {
    const c = text[i]!
    if (quoted && c === '\\') {
      one += c + (text[++i] ?? '')
      continue
    }
    if (c === '"') quoted = !quoted
    else if (!quoted && c === '(') depth++
    else if (!quoted && c === ')') depth--
    if (c === ' ' && !quoted && depth === 0) {
      if (one) out.push(one)
      one = ''
    } else one += c
  }
  return one ? [...out, one] : out
}

/** In a tidied line the terms come first, then the filters. */
function filtersOf(tidy: Reading): string[] {
  const end = Math.max(0, ...tidy.terms.map((t) => t.at + t.len))
  return splitFilters([...tidy.text].slice(end).join(''))
}

/** The server's floats have more digits than anybody typed. */
const neat = (weight: number) => Number(weight.toPrecision(6))

function termOf(t: Reading['terms'][number]): Term {
  const weight = neat(t.weight)
  if (t.like) return { kind: 'like', value: String(t.like), weight }
  return { kind: 'words', value: t.words ?? '', weight }
}

/** Words that can stay in the box: read again they are the same words, weigh 1 and ask for nothing else. */
function boxOf(r: Reading): number {
  const whole = r.terms.length === 1 && !r.filters.length && r.text === r.terms[0]?.words
  return r.terms.findIndex((t) => t.words !== undefined && t.weight === 1 && (whole || isPlain(t.words)))
}

/** What the line in the box says as chips; `tidy`: the reading of the tidied line. The words that remain are words, whatever they look like. */
export function toChips(q: Query, tidy: Reading): Query {
  const box = boxOf(tidy)
  const rest = tidy.terms.filter((_, i) => i !== box).map(termOf)
  const where = [...new Set([...q.where, ...filtersOf(tidy)])]
  return rest.reduce(addTerm, { ...q, words: tidy.terms[box]?.words ?? '', where })
}

const overHttp = (line: string, signal?: AbortSignal) => get<Reading>('/query', { line }, signal)

export async function readLine(q: Query, signal?: AbortSignal, read = overHttp): Promise<Query> {
  const line = q.words.trim()
  const first = await read(line, signal)
  // Places in the tidied line are known only when it was read itself.
  const tidy = first.filters.length && first.text !== line ? await read(first.text, signal) : first
  return toChips(q, tidy)
}
