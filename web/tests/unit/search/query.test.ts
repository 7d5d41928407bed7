import { describe, expect, it } from 'vitest'
import * as Q from '@/search/query'
import type { Term } from '@/search/query'

const words = (value: string, weight = 1): Term => ({ kind: 'words', value, weight })
const like = (id: number, weight = 1): Term => ({ kind: 'like', value: String(id), weight })

describe('query', () => {
  it('asks for nothing when empty', () => {
    expect(Q.toBody(Q.emptyQuery, 60)).toEqual({ terms: [], limit: 60 })
    expect(Q.isEmpty(Q.emptyQuery)).toBe(true)
    expect(Q.isEmpty({ ...Q.emptyQuery, words: '  ' })).toBe(true)
    expect(Q.isEmpty({ ...Q.emptyQuery, filter: { gps: false } })).toBe(false)
    expect(Q.isEmpty({ ...Q.emptyQuery, where: ['mp>1'] })).toBe(false)
    expect(Q.isEmpty(Q.withoutFilters({ ...Q.emptyQuery, where: ['mp>1'], filter: { gps: false } }))).toBe(true)
  })

  it('sends the box first, then the chips, without those still empty', () => {
    const q = { words: ' red car ', terms: [words('', -1), words('people', -1), like(7, 2)], where: ['width>2000', '-path:*tmp*'], filter: { format: 'png', path: '', root: 0 } }
    expect(Q.toBody(q, 10, 'c1')).toEqual({
      terms: [{ words: 'red car', weight: 1 }, { words: 'people', weight: -1 }, { like: 7, weight: 2 }],
      filter: { format: 'png' },
      line: 'width>2000 -path:*tmp*',
      limit: 10,
      cursor: 'c1',
    })
  })

  it('sends uploads by token and addresses as they are', () => {
    const q = { words: '', terms: [{ kind: 'upload', value: 'tok', weight: 1 }, { kind: 'url', value: 'https://a/b.jpg', weight: -0.5 }] as Term[], where: [], filter: {} }
    expect(Q.toBody(q, 1).terms).toEqual([{ upload: 'tok', weight: 1 }, { url: 'https://a/b.jpg', weight: -0.5 }])
  })

  it('keeps a filter that says no', () => {
    expect(Q.toBody({ ...Q.emptyQuery, filter: { gps: false } }, 1).filter).toEqual({ gps: false })
  })

  it('gives a term that is there already the new weight', () => {
    const q = Q.addTerm(Q.addTerm(Q.emptyQuery, like(4)), like(4, -0.5))
    expect(q.terms).toEqual([like(4, -0.5)])
  })

  it('more like this starts anew under the same filter, less like this goes on', () => {
    const q = { words: 'beach', terms: [like(1)], where: ['mp>1'], filter: { format: 'png' } }
    expect(Q.moreLike(q, 9)).toEqual({ ...q, words: '', terms: [like(9)] })
    expect(Q.lessLike(q, 9)).toEqual({ ...q, terms: [like(1), like(9, -0.5)] })
    expect(Q.likeAll(q, [3, 5]).terms).toEqual([like(3), like(5)])
  })

  it('flips a sign and leaves what is not there alone', () => {
    const q = Q.addTerm(Q.emptyQuery, words('dog', 1.5))
    expect(Q.flipTerm(q, 0).terms[0]?.weight).toBe(-1.5)
    expect(Q.flipTerm(q, 5)).toBe(q)
    expect(Q.removeTerm(q, 0).terms).toEqual([])
  })

  it('weights go in steps, keep their sign and stay in range', () => {
    expect(Q.nudgeWeight(1, 1)).toBe(1.25)
    expect(Q.nudgeWeight(-1, 1)).toBe(-1.25)
    expect(Q.nudgeWeight(-1, -1)).toBe(-0.75)
    expect(Q.nudgeWeight(2, 1)).toBe(2.5)
    expect(Q.nudgeWeight(2.5, -1)).toBe(2)
    expect(Q.nudgeWeight(Q.maxWeight, 1)).toBe(Q.maxWeight)
    expect(Q.nudgeWeight(Q.minWeight, -1)).toBe(Q.minWeight)
    expect([Q.nudgeWeight(8, 1), Q.nudgeWeight(8, -1), Q.nudgeWeight(0.1, -1), Q.nudgeWeight(-0.1, 1)]).toEqual([8, 7.5, 0.1, -0.25])
    let w = 0.25
    for (let i = 0; i < 50; i++) w = Q.nudgeWeight(w, 1)
    expect(w).toBe(Q.maxWeight)
  })

  it('knows when only minus terms are asked', () => {
    expect(Q.onlyNegative(Q.emptyQuery)).toBe(false)
    expect(Q.onlyNegative(Q.addTerm(Q.emptyQuery, like(1, -1)))).toBe(true)
    expect(Q.onlyNegative(Q.addTerm({ ...Q.emptyQuery, words: 'a' }, like(1, -1)))).toBe(false)
  })
})
