// explain.ts - why a picture matched: how well it fits each term taken alone.
//
// The server ranks by the sum of all terms. Asked for one term under a filter that only this file passes, it says that term's own
// score: no second way of computing it, so it can't differ from the first.
import { exactPath } from './filters'
import { emptyQuery, sentTerms, toBody, type Query, type Term } from './query'
import type { Hit, SearchAnswer, SearchBody } from './types'

export interface Reason {
  term: Term
  /** null: could not be found out. */
  similarity: number | null
  score: number | null
}

export async function explain(
  q: Query,
  picture: Pick<Hit, 'id' | 'path'>,
  ask: (body: SearchBody, signal?: AbortSignal) => Promise<SearchAnswer>,
  signal?: AbortSignal,
): Promise<Reason[]> {
  const filter = { path: exactPath(picture.path) }
  return Promise.all(
    sentTerms(q).map(async (term) => {
      if (term.kind === 'like' && term.value === String(picture.id)) return { term, similarity: 1, score: 1 }
      const alone = { ...emptyQuery, terms: [{ ...term, weight: 1 }], filter }
      const answer = await ask(toBody(alone, 50), signal).catch(() => null)
      const hit = answer?.hits.find((h) => h.id === picture.id)
      return { term, similarity: hit?.similarity ?? null, score: hit?.score ?? null }
    }),
  )
}
