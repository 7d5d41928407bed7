import { describe, expect, it } from 'vitest'
import { Gestures, Recent } from '@/search/history'

describe('history', () => {
  it('typing on is one step, a new gesture another', () => {
    const g = new Gestures(() => 0)
    expect(['typing', 'typing', 'typing', null, null, 'typing'].map((x) => g.step(x))).toEqual(['push', 'replace', 'replace', 'push', 'push', 'push'])
    g.end()
    expect(g.step('typing')).toBe('push')
  })
  it('a pause ends a gesture that has a limit', () => {
    let t = 0
    const g = new Gestures(() => t)
    expect(g.step('w', 1000)).toBe('push')
    t = 900
    expect(g.step('w', 1000)).toBe('replace')
    t = 2000
    expect(g.step('w', 1000)).toBe('push')
  })
  it('remembers the most recent', () => {
    const r = new Recent<number>(2)
    r.set('a', 1)
    r.set('b', 2)
    expect(r.get('a')).toBe(1)
    r.set('c', 3)
    expect([r.get('a'), r.get('b'), r.get('c')]).toEqual([1, undefined, 3])
    r.delete('a')
    expect(r.size).toBe(1)
    r.clear()
    expect(r.size).toBe(0)
  })
})
