import { describe, expect, it } from 'vitest'
import { ApiError } from '@/api/client'
import { explain } from '@/search/explain'
import { troubleOf } from '@/search/trouble'
import { emptyQuery, type Query } from '@/search/query'
import type { Hit, SearchAnswer, SearchBody } from '@/search/types'

const q: Query = { words: 'beach', terms: [{ kind: 'words', value: 'people', weight: -0.5 }, { kind: 'like', value: '7', weight: 2 }], where: ['score>0.3'], filter: { format: 'png' } }

describe('explain', () => {
  it('asks for each term alone, at weight 1, for this file only', async () => {
    const bodies: SearchBody[] = []
    const reasons = await explain(q, { id: 3, path: '/p/a[1].png' }, async (body) => {
      bodies.push(body)
      if (body.terms[0]!.words === 'people') throw new Error('down')
      return { hits: [{ id: 3, similarity: 0.6, score: 0.2 } as Hit] } as SearchAnswer
    })
    expect(bodies.map((b) => b.terms)).toEqual([[{ words: 'beach', weight: 1 }], [{ words: 'people', weight: 1 }], [{ like: 7, weight: 1 }]])
    expect(bodies.every((b) => b.line === undefined && b.filter?.path === '/p/a\\[1\\].png' && !b.filter.format)).toBe(true)
    expect(reasons.map((r) => [r.term.weight, r.similarity])).toEqual([[1, 0.6], [-0.5, null], [2, 0.6]])
  })
  it('does not ask how much a picture is like itself', async () => {
    const reasons = await explain({ ...emptyQuery, terms: [{ kind: 'like', value: '3', weight: 1 }] }, { id: 3, path: '/a' }, () => Promise.reject(new Error()))
    expect(reasons[0]?.similarity).toBe(1)
  })
})

describe('trouble', () => {
  it('says kindly that an uploaded picture is forgotten, and what to do', () => {
    const t = troubleOf(new ApiError('unknown upload', 404, 'notfound'), { ...emptyQuery, terms: [{ kind: 'upload', value: 't', weight: 1 }] })
    expect(t.action).toBe('forget')
    expect(t.title).toContain('no longer')
  })
  it('tells a silent server from a refusing one', () => {
    expect(troubleOf(new ApiError('x', 0), emptyQuery).title).toContain('does not answer')
    expect(troubleOf(new ApiError('Weights cancel out.', 400), emptyQuery)).toMatchObject({ text: 'Weights cancel out.', action: null })
    expect(troubleOf(new Error('boom'), emptyQuery).action).toBe('retry')
  })
})
