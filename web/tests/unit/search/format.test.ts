import { describe, expect, it } from 'vitest'
import * as F from '@/search/format'

describe('format', () => {
  it('dimensions', () => {
    expect(F.dimensionsText(6000, 4000)).toBe('6000 × 4000 · 24 MP')
    expect(F.dimensionsText(100, 100)).toBe('100 × 100')
  })
  it('dates; the time of taking is not moved by the zone of the reader', () => {
    expect(F.takenText('nonsense')).toBe('')
    expect(F.takenText('2016-03-25T13:37:00Z', 'en-GB')).toContain('13:37')
    expect(F.takenText(null)).toBe('')
  })
  it('parts, weights, places', () => {
    expect(F.percentText(0.876)).toBe('88 %')
    expect(F.percentText(1.2)).toBe('100 %')
    expect(F.weightText(-0.5)).toBe('−0.5')
    expect(F.weightText(2)).toBe('+2')
    expect(F.placeText({ lat: -33.5, lon: 151.25 })).toBe('33.50000° S, 151.25000° E')
  })
  it('asks for a thumbnail that fills its cell and not much more', () => {
    expect(F.thumbnailSize(200, 150, 1)).toBe(256)
    expect(F.thumbnailSize(270, 150, 1)).toBe(256)
    expect(F.thumbnailSize(300, 150, 1)).toBe(512)
    expect(F.thumbnailSize(300, 200, 2)).toBe(1024)
    expect(F.thumbnailSize(9000, 9000, 3)).toBe(2048)
  })
  it('knows what a browser cannot show', () => {
    expect(['jpeg', 'heic', 'tiff', 'avif'].map(F.browserShows)).toEqual([true, false, false, true])
  })
})
