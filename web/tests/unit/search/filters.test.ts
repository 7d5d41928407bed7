import { describe, expect, it } from 'vitest'
import { dayEnd, dayOf, dayStart, exactPath, filterChips, lastDayOf, withoutFields } from '@/search/filters'

describe('filters', () => {
  it('gives back the days it was given, on both ends of a range', () => {
    for (const day of ['2024-01-01', '2024-02-29', '2023-12-31', '2024-03-31', '2024-10-27']) {
      expect(dayOf(dayStart(day))).toBe(day)
      expect(lastDayOf(dayEnd(day))).toBe(day)
      expect(Date.parse(dayEnd(day)!)).toBeGreaterThan(Date.parse(dayStart(day)!))
    }
    expect(dayStart('')).toBeUndefined()
    expect(dayEnd('soon')).toBeUndefined()
    expect(dayOf(undefined)).toBe('')
  })

  it('says each filter in words, ranges as one chip', () => {
    const chips = filterChips(
      { path: '2024/*', name: 'ysl bag', root: 2, format: 'jpeg', taken_from: dayStart('2024-01-01'), taken_to: dayEnd('2024-02-01'), min_megapixels: 2, max_megapixels: 8,
        min_width: 100, min_height: 50, orientation: 'square', camera: 'X100', gps: true, added_from: dayStart('2020-05-05') },
      [{ id: 2, path: '/home/me/Holiday/' }],
    )
    expect(chips.map((c) => c.label)).toEqual([
      'path 2024/*', 'file name ysl bag', 'in Holiday', 'JPEG', 'taken 2024-01-01 to 2024-02-01', 'added since 2020-05-05', '2 to 8 MP', 'at least 100 px wide', 'at least 50 px high',
      'square', 'camera X100', 'has a place',
    ])
  })

  it('says halves of ranges, unknown folders, and no', () => {
    expect(filterChips({ max_megapixels: 3, root: 9, gps: false, taken_to: dayEnd('2024-02-01') }).map((c) => c.label)).toEqual([
      'in folder 9', 'taken until 2024-02-01', 'at most 3 MP', 'has no place',
    ])
    expect(filterChips({ root: 1 }, [{ id: 1, path: '/x/uploads', uploads: true }])[0]?.label).toBe('in Uploads')
    expect(filterChips({ path: '', root: 0 })).toEqual([])
  })

  it('a chip takes all its fields with it', () => {
    const f = { min_megapixels: 2, max_megapixels: 8, format: 'png' }
    expect(withoutFields(f, filterChips(f).find((c) => c.label.includes('MP'))!.names)).toEqual({ format: 'png' })
  })

  it('finds one file also when its name looks like a glob', () => {
    expect(exactPath('/a/b.jpg')).toBe('/a/b.jpg')
    expect(exactPath('/a/b[1]*?.jpg')).toBe('/a/b\\[1\\]\\*\\?.jpg')
  })
})
