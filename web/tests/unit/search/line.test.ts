import { describe, expect, it } from 'vitest'
import { ApiError } from '@/api/client'
import { isPlain, markWrong, readLine, splitFilters, toChips, wrongOf } from '@/search/line'
import { emptyQuery, type Query } from '@/search/query'
import type { Reading } from '@/search/types'

/** A tidied line as the server reads it: terms with their texts, then filters. */
function reading(terms: ({ words?: string; like?: number; weight?: number; as: string })[], filters: string[] = [], min_score: number | null = null): Reading {
  let text = ''
  const out: Reading = { text: '', terms: [], filters: [], min_score }
  for (const { as, weight = 1, ...t } of terms) {
    if (text) text += ' '
    out.terms.push({ ...t, weight, at: [...text].length, len: [...as].length })
    text += as
  }
  for (const f of filters) {
    if (text) text += ' '
    out.filters.push({ text: f, at: [...text].length, len: [...f].length, negated: false, alone: true })
    text += f
  }
  return { ...out, text }
}
const q = (words: string, more: Partial<Query> = {}): Query => ({ ...emptyQuery, words, ...more })

describe('line', () => {
  it('knows words from what could be more', () => {
    for (const words of ['', 'two dogs', 't-shirt', 'C++', "rock'n'roll", 'me & you', 'cat (sleeping)', 'ysl', 'a.b@c.de', '日本', 'and or not', '100%'])
      expect(isPlain(words), words).toBe(true)
    for (const line of ['dogs -cats', '- cats', '+a', '#12', '@me.jpg', '"a b"', '“a b”', '2:red', 'format:png', 'width>2000', 'mp<2', '(format:png)', '12:30'])
      expect(isPlain(line), line).toBe(false)
  })

  it('takes the filters of a tidied line apart, groups stay whole', () => {
    expect(splitFilters('')).toEqual([])
    expect(splitFilters(' format:png (camera:fuji or taken:2023) -(mp<1 has:gps) score>0.2')).toEqual(['format:png', '(camera:fuji or taken:2023)', '-(mp<1 has:gps)', 'score>0.2'])
    expect(splitFilters('path:"a b) c" -name:"x \\" y" mp>1')).toEqual(['path:"a b) c"', '-name:"x \\" y"', 'mp>1'])
  })

  it('turns a line into words, chips and filters', () => {
    const r = reading([{ words: 'two dogs', as: 'two dogs' }, { words: 'snow', weight: 2, as: '+ 2:snow' }, { words: 'people', weight: -1, as: '- people' }, { like: 17, weight: 0.30000001192092896, as: '+ 0.3:#17' }], ['format:png', '(camera:fuji or mp>2)'])
    expect(toChips(q('…', { where: ['has:gps', 'format:png'] }), r)).toEqual({
      words: 'two dogs',
      terms: [{ kind: 'words', value: 'snow', weight: 2 }, { kind: 'words', value: 'people', weight: -1 }, { kind: 'like', value: '17', weight: 0.3 }],
      where: ['has:gps', 'format:png', '(camera:fuji or mp>2)'],
      filter: {},
    })
  })

  it('counts characters, not halves of them', () => {
    expect(toChips(emptyQuery, reading([{ words: '🐕🐕 im schnee', as: '🐕🐕 im schnee' }], ['mp>1']))).toMatchObject({ words: '🐕🐕 im schnee', where: ['mp>1'] })
  })

  it('words that would be read as something else become a chip, unless they are the whole line', () => {
    expect(toChips(emptyQuery, reading([{ words: 'format:png', as: '"format:png"' }]))).toMatchObject({ words: '', terms: [{ kind: 'words', value: 'format:png', weight: 1 }] })
    expect(toChips(emptyQuery, reading([{ words: '12:30 train', as: '12:30 train' }]))).toMatchObject({ words: '12:30 train', terms: [] })
    expect(toChips(emptyQuery, reading([{ words: 'people', weight: -1, as: '- people' }]))).toMatchObject({ words: '', terms: [{ value: 'people', weight: -1 }] })
  })

  it('reads the tidied line once more only when places in it are needed', async () => {
    const asked: string[] = []
    const tidy = reading([{ words: 'dogs', as: 'dogs' }], ['format:png'])
    const read = async (line: string) => (asked.push(line), line === tidy.text ? tidy : { ...tidy, terms: [{ ...tidy.terms[0]!, at: 11, len: 4 }] })
    expect(await readLine(q(' format:png dogs '), undefined, read)).toEqual(q('dogs', { where: ['format:png'] }))
    expect(await readLine(q('dogs format:png'), undefined, read)).toEqual(q('dogs', { where: ['format:png'] }))
    expect(asked).toEqual(['format:png dogs', 'dogs format:png', 'dogs format:png'])
  })

  it('finds the wrong part where the server says it is', () => {
    const e = new ApiError('no such filter', 400, 'invalid', undefined, { at: 3, len: 6 })
    const w = wrongOf(e, '🐕🐕 fromat:png')!
    expect(markWrong(w)).toEqual(['🐕🐕 ', 'fromat', ':png'])
    expect(markWrong({ line: 'png or', text: '', at: 6, len: 0 })).toEqual(['png o', 'r', ''])
    expect(markWrong({ line: '', text: '', at: 0, len: 0 })).toEqual(['', '', ''])
    expect(wrongOf(new ApiError('x', 400), 'a')).toBeNull()
    expect(wrongOf(new ApiError('x', 500, undefined, undefined, { at: 0, len: 1 }), 'a')).toBeNull()
    expect(wrongOf(new Error('x'), 'a')).toBeNull()
  })
})
