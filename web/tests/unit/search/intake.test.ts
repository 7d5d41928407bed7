import { describe, expect, it } from 'vitest'
import { dragHolds, intakeOf, isPictureFile, loneUrl, urlLabel } from '@/search/intake'

const data = (files: File[], texts: Record<string, string> = {}) => ({ files: files as unknown as FileList, getData: (t: string) => texts[t] ?? '' })
const file = (name: string, type = '') => new File(['x'], name, { type })

describe('intake', () => {
  it('takes pictures by type, and by name when the type is missing', () => {
    expect(isPictureFile(file('a', 'image/png'))).toBe(true)
    expect(isPictureFile(file('IMG_1.HEIC'))).toBe(true)
    expect(isPictureFile(file('notes.txt', 'text/plain'))).toBe(false)
  })
  it('prefers the picture to the address that browsers put beside it', () => {
    expect(intakeOf(data([file('a.png', 'image/png')], { 'text/plain': 'https://a.org/a.png' }))).toMatchObject({ kind: 'files' })
  })
  it('finds an address that stands alone, also in a dragged list', () => {
    expect(intakeOf(data([], { 'text/plain': ' https://a.org/a.png\n' }))).toEqual({ kind: 'url', url: 'https://a.org/a.png' })
    expect(intakeOf(data([], { 'text/uri-list': '# from\r\nhttps://a.org/b.png' }))).toEqual({ kind: 'url', url: 'https://a.org/b.png' })
    expect(intakeOf(data([], { 'text/plain': 'see https://a.org/a.png' }))).toBeNull()
    expect(loneUrl('javascript:alert(1)')).toBeNull()
    expect(loneUrl('http://')).toBeNull()
    expect(loneUrl('red car')).toBeNull()
  })
  it('says when files came but no picture', () => {
    expect(intakeOf(data([file('a.txt', 'text/plain')]))).toEqual({ kind: 'other' })
    expect(intakeOf(null)).toBeNull()
  })
  it('looks only at types while dragging', () => {
    expect(dragHolds(['Files'])).toBe(true)
    expect(dragHolds(['text/plain'])).toBe(false)
  })
  it('shortens addresses for a chip', () => {
    expect(urlLabel('https://a.org/x/y/red%20car.jpg?z=1')).toBe('a.org/…/red car.jpg')
    expect(urlLabel('https://a.org/')).toBe('a.org')
    expect(urlLabel('https://a.org/%E0%A4%A')).toBe('https://a.org/%E0%A4%A')
  })
})
