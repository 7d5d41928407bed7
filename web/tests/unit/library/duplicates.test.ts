import { describe, expect, it } from 'vitest'
import type { DuplicateGroup, DuplicateMember } from '@/api/types'
import * as D from '@/library/duplicates'

const member = (id: number, more: Partial<DuplicateMember> = {}): DuplicateMember => ({
  id, name: `${id}.jpg`, path: `/p/${id}.jpg`, offline: false, size: 1000, width: 400, height: 300, format: 'jpeg', hash: 'ab', distance: 0, cosine: 1, ...more,
})
const group = (...members: DuplicateMember[]): DuplicateGroup => ({ id: members[0]!.id, members })

describe('duplicates', () => {
  it('reads what is wished from an address, and writes it', () => {
    expect(D.wishOf({})).toEqual({ kind: 'same', loose: null })
    expect(D.wishOf({ kind: 'near', loose: '4' })).toEqual({ kind: 'near', loose: 4 })
    expect(D.wishOf({ kind: 'similar', loose: '95' })).toEqual({ kind: 'similar', loose: 95 })
    for (const loose of ['', 'x', '17', '-1', '2.5', ['4'], null]) expect(D.wishOf({ kind: 'near', loose }), String(loose)).toEqual({ kind: 'near', loose: null })
    expect(D.wishOf({ kind: 'same', loose: '4' }).loose).toBeNull()
    expect(D.wishOf({ kind: 'other' }).kind).toBe('same')
    for (const w of [{ kind: 'near', loose: 0 }, { kind: 'similar', loose: 99 }, { kind: 'same', loose: null }] as D.Wish[]) expect(D.wishOf(D.addressOf(w))).toEqual(w)
  })

  it('asks the server in its own terms', () => {
    expect(D.askFor({ kind: 'near', loose: 0 })).toEqual({ kind: 'near', distance: 0 })
    expect(D.askFor({ kind: 'similar', loose: 95 })).toEqual({ kind: 'similar', cosine: 0.95 })
    expect(D.askFor({ kind: 'similar', loose: null })).toEqual({ kind: 'similar' })
  })

  it('says how each differs from the best', () => {
    const best = member(1)
    const near = (more: Partial<DuplicateMember>) => D.differs(member(2, more), best, 'near')
    expect(D.differs(member(1), best, 'same')).toBe('identical bytes')
    expect(near({ size: 500 })).toBe('recompressed')
    expect(near({ size: 1500 })).toBe('saved again')
    expect(near({ width: 200, height: 150 })).toBe('smaller')
    expect(near({ format: 'webp' })).toBe('as WebP')
    expect(near({ width: 200, height: 150, format: 'png' })).toBe('smaller, as PNG')
    expect(D.differs(member(2, { cosine: 0.953 }), best, 'similar')).toBe('95 % alike')
    expect(D.differs(member(2, { cosine: 0.999 }), best, 'similar')).toBe('99 % alike')
    expect(D.exactly(member(2, { distance: 3, cosine: 0.98765 }), 'near')).toBe('3 of 64 bits of the perceptual hash differ; cosine 0.988')
    expect(D.exactly(member(2, { distance: null, cosine: 0.9 }), 'similar')).toBe('cosine 0.900')
  })

  it('counts what could be had back: all but the best', () => {
    const g = group(member(1, { size: 9000 }), member(2, { size: 500 }), member(3, { size: 700 }))
    expect(D.freed(g)).toBe(1200)
    expect(D.groupText(g, 'near')).toBe('3 pictures · 1.2 kB could be freed')
    expect(D.groupText(group(member(1), member(1)), 'same')).toBe('2 files · 1.0 kB could be freed')
    expect(D.groupText(g, 'similar')).toBe('3 pictures')
    expect(D.sumText([g, g], 2, 'near')).toBe('2 groups · 2.4 kB could be freed')
    expect(D.sumText([g], 40, 'same')).toBe('40 groups · 1.2 kB could be freed in the first 1')
    expect(D.sumText([g], 1, 'similar')).toBe('1 group')
  })

  it('says what the slider means', () => {
    expect(D.looseText({ kind: 'near', loose: 0 })).toBe('no visible difference')
    expect(D.looseText({ kind: 'near', loose: null })).toBe(D.looseText({ kind: 'near', loose: D.ranges.near.usual }))
    expect(D.looseText({ kind: 'near', loose: 16 })).toBe('visible differences')
    expect(D.looseText({ kind: 'similar', loose: 90 })).toBe('at least 90 % alike')
    expect(D.looseText({ kind: 'similar', loose: null })).toBe('as the model suggests')
  })

  it('says where a file lies', () => {
    expect([D.folderOf('/a/b c.jpg'), D.folderOf('/x.jpg')]).toEqual(['/a', '/'])
  })

  it('says exactly what forgetting does to which files', () => {
    expect(D.forgetText(['/p/a.jpg'], '/lib/uploads')).toBe('Its file stays on disk where it is; as long as it lies in a folder of the library, the next look at it finds it again.')
    expect(D.forgetText(['/p/a.jpg', '/p/b.jpg'], undefined)).toMatch(/^The 2 files stay on disk where they are;/)
    expect(D.forgetText(['/lib/uploads/a.jpg'], '/lib/uploads')).toBe('It was uploaded: its file on the server is deleted from disk. This can’t be undone.')
    expect(D.forgetText(['/lib/uploads/a.jpg', '/lib/uploads/b.jpg'], '/lib/uploads')).toBe('2 files that were uploaded are deleted from disk. This can’t be undone.')
    expect(D.forgetText(['/lib/uploads/a.jpg', '/p/b.jpg'], '/lib/uploads')).toMatch(/^1 file that was uploaded is deleted from disk\. This can’t be undone\. The other file stays on disk where it is/)
    expect(D.forgetText(['/lib/uploads2/a.jpg'], '/lib/uploads')).toMatch(/stays on disk/)
  })

  it('a group of which one is left is none', () => {
    const groups = [group(member(1), member(2)), group(member(3), member(4), member(5))]
    expect(D.without(groups, new Set([2, 3])).map((g) => g.members.map((m) => m.id))).toEqual([[4, 5]])
  })
})
