import { describe, expect, it } from 'vitest'
import { ago, bytes, count, duration, rate } from '@/format'
import { progressLine } from '@/upload/progress'
import { advice, reasonText } from '@/upload/advice'

describe('figures', () => {
  it.each([[0, '0 B'], [999, '999 B'], [1000, '1.0 kB'], [99_949, '99.9 kB'], [99_950, '100 kB'], [999_600, '1.0 MB'], [5_500_000_000, '5.5 GB']])('%d bytes are %s', (n, text) => expect(bytes(n)).toBe(text))
  it.each([[0.4, '0 s'], [59, '59 s'], [61, '1 min'], [3600, '1 h'], [7500, '2 h 5 min']])('%d seconds are %s', (n, text) => expect(duration(n)).toBe(text))
  it('counts', () => {
    expect(count(1, 'picture')).toBe('1 picture')
    expect(count(12345, 'picture')).toBe('12,345 pictures')
    expect(rate(3.14159)).toBe('3.1 per second')
    expect(rate(31.4)).toBe('31 per second')
  })
  it('says how long ago', () => {
    const now = Date.parse('2026-01-02T12:00:00Z')
    expect(ago(null, now)).toBe('never')
    expect(ago('2026-01-02T11:59:30Z', now)).toBe('just now')
    expect(ago('2026-01-02T11:59:10Z', now)).toBe('1 min ago')
    expect(ago('2026-01-02T09:00:00Z', now)).toBe('3 h ago')
    expect(ago('2025-12-01T09:00:00Z', now)).toContain('2025')
  })
})

describe('the line of progress', () => {
  const figures = { total: 30, done: 12, indexed: 10, duplicates: 1, failed: 1, rate: 6 }
  it('tells how far, how fast, how long', () => expect(progressLine(figures)).toBe('12 of 30 files, 1 failed, 6.0 per second, about 3 s left.'))
  it('tells the outcome', () => expect(progressLine({ ...figures, done: 30, indexed: 27, duplicates: 2 })).toBe('27 pictures added, 2 in the library already, 1 failed.'))
  it('is silent about nothing', () => expect(progressLine({ ...figures, total: 0 })).toBe(''))
})

it('has something to do for every code of a failure', () => {
  for (const code of ['memory', 'io', 'notfound', 'exists', 'format', 'limit', 'invalid', 'busy', 'remote', 'internal', 'unknown']) expect(advice(code)).toMatch(/\w{4}.*\.$/)
})

it('makes a sentence of a reason', () => {
  expect(reasonText('the file is cut short')).toBe('The file is cut short.')
  expect(reasonText('It is larger than this server takes at once.')).toBe('It is larger than this server takes at once.')
})
