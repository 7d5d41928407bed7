import { describe, expect, it } from 'vitest'
import { emptyQuery, type Query } from '@/search/query'
import { decodeQuery, decodeTerm, encodeQuery, encodeTerm, queryKey } from '@/search/urlcodec'

const full: Query = {
  words: 'red car: 2*fast & loud = yes',
  terms: [
    { kind: 'words', value: 'people, -many:\nof them', weight: -1 },
    { kind: 'like', value: '42', weight: 2.5 },
    { kind: 'url', value: 'https://example.org/a.jpg?x=1&y=2', weight: -0.25 },
    { kind: 'upload', value: 'tok_en-1', weight: 1 },
  ],
  where: ['(format:png or format:gif)', '-path:"a b*"', 'score>0.25'],
  filter: {
    path: '/a b/*', name: 'ysl bag', root: 3, format: 'png', camera: 'Nikon D90', taken_from: '2023-05-01T00:00:00Z', taken_to: '2024-01-01T00:00:00Z',
    added_from: '2022-05-01T00:00:00Z', added_to: '2025-01-01T00:00:00Z', min_width: 100, min_height: 50, min_megapixels: 0.5,
    max_megapixels: 12, orientation: 'portrait', gps: false,
  },
}

describe('urlcodec', () => {
  it('gives back every query it wrote, through a real address', () => {
    for (const q of [emptyQuery, full]) {
      const url = new URLSearchParams()
      for (const [k, v] of Object.entries(encodeQuery(q))) for (const one of [v].flat()) url.append(k, one)
      const read: Record<string, string[]> = {}
      for (const [k, v] of new URLSearchParams(url.toString())) (read[k] ??= []).push(v)
      expect(decodeQuery(read)).toEqual(q)
    }
  })

  it('writes terms that people can read', () => {
    expect(full.terms.map(encodeTerm)).toEqual([
      '-words:people, -many:\nof them', '2.5*like:42', '-0.25*url:https://example.org/a.jpg?x=1&y=2', 'upload:tok_en-1',
    ])
    expect(encodeQuery({ ...emptyQuery, words: ' a ' })).toEqual({ q: 'a' })
  })

  it('leaves out what it does not understand', () => {
    for (const bad of ['', 'x', 'like:', 'like:0', 'like:-1', 'like:1e3', 'like:12.5', 'cat:dog', '0*words:a', '11*words:a', '1e9*words:a', 'words:  ', '--words:a'])
      expect(decodeTerm(bad), bad).toBeNull()
    expect(decodeQuery({ q: null, term: [null, 'like:5', 'bad'], root: 'x', min_width: '-4', orientation: 'round', gps: 'maybe', where: [null, ' '], taken_from: 'yesterday' }))
      .toEqual({ words: '', terms: [{ kind: 'like', value: '5', weight: 1 }], where: [], filter: {} })
  })

  it('takes no more terms than a query can hold', () => {
    expect(decodeQuery({ term: Array.from({ length: 100 }, (_, i) => `like:${i + 1}`) }).terms).toHaveLength(32)
  })

  it('has one key for one query', () => {
    expect(queryKey({ ...emptyQuery, words: ' a', filter: { path: '', format: 'png', gps: true } })).toBe(queryKey({ ...emptyQuery, words: 'a ', filter: { gps: true, format: 'png' } }))
    expect(queryKey(full)).not.toBe(queryKey({ ...full, where: [] }))
    expect(queryKey(full)).not.toBe(queryKey({ ...full, terms: [...full.terms].reverse() }))
  })
})
