import { describe, expect, it } from 'vitest'
import { clampZoom, fitSize, fitted, fullScale, pan, zoomAt } from '@/search/zoom'

const stage = { width: 1000, height: 500 }
const photo = { width: 4000, height: 3000 }

describe('zoom', () => {
  it('fits a picture whole and enlarges a small one no more than twice', () => {
    expect(fitSize(photo, stage)).toEqual({ width: 2000 / 3, height: 500 })
    expect(fitSize({ width: 100, height: 50 }, stage)).toEqual({ width: 200, height: 100 })
    expect(fitSize({ width: 0, height: 0 }, stage)).toEqual({ width: 0, height: 0 })
  })
  it('knows where a pixel is a pixel', () => {
    expect(fullScale(photo, stage)).toBeCloseTo(6)
    expect(fullScale({ width: 100, height: 50 }, stage)).toBe(2)
  })
  it('keeps what is under the pointer there', () => {
    let z = zoomAt(fitted, 4, 0, 0, photo, stage)
    z = pan(z, 100, 60, photo, stage)
    const under = (p: number, shift: number, scale: number) => (p - shift) / scale
    const next = zoomAt(z, 1.25, 80, -40, photo, stage)
    expect(under(80, next.x, next.scale)).toBeCloseTo(under(80, z.x, z.scale))
    expect(under(-40, next.y, next.scale)).toBeCloseTo(under(-40, z.y, z.scale))
  })
  it('stays over the stage and in range', () => {
    expect(pan(fitted, 300, 300, photo, stage)).toEqual(fitted)
    expect(zoomAt(fitted, 0.1, 50, 50, photo, stage)).toEqual(fitted)
    expect(clampZoom({ scale: 1e9, x: 0, y: 0 }, photo, stage).scale).toBeCloseTo(24)
    expect(clampZoom({ scale: 2, x: 1e9, y: -1e9 }, photo, stage)).toEqual({ scale: 2, x: expect.closeTo(166.67, 1), y: -250 })
  })
})
