import { describe, expect, it } from 'vitest'
import type { Root } from '@/api/types'
import { watching } from '@/upload/watching'

const now = Date.parse('2026-01-01T12:00:00Z')
const root = (watch: Partial<Root['watch']>, more: Partial<Root> = {}) => ({ offline: false, uploads: false, watch: { how: 'notified' as const, why: '', folders: 3, changed_at: null, ...watch }, ...more })

describe('watching', () => {
  it('says that changes show at once, and when the last one was', () => {
    expect(watching(root({ changed_at: '2026-01-01T11:55:00Z' }), now)).toEqual({ text: 'Watched: changes show within seconds', why: '', changed: 'last change 5 min ago' })
  })

  it('says how often a network folder is looked at', () => {
    const why = 'lies on nfs4, a file system that does not tell of what others change; looked at every 300 s'
    expect(watching(root({ how: 'polled', why }), now)).toEqual({
      text: 'Network folder: changes are looked for every 5 minutes',
      why: 'Lies on nfs4, a file system that does not tell of what others change',
      changed: '',
    })
  })

  it('says why a folder is looked at from time to time', () => {
    const why = 'the system has no watches left after 8000 folders; `sysctl fs.inotify.max_user_watches=1048576` (as root) allows more; looked at every 60 s'
    const said = watching(root({ how: 'polled', why }), now)!
    expect(said.text).toBe('Changes are looked for every minute')
    expect(said.why).toMatch(/^The system has no watches left after 8000 folders; .* allows more$/)
    expect(watching(root({ how: 'polled', why: 'x; looked at every 90 s' }), now)!.text).toBe('Changes are looked for every 90 seconds')
    expect(watching(root({ how: 'polled', why: 'something else' }), now)).toMatchObject({ text: 'Changes are looked for every now and then', why: 'Something else' })
  })

  it('says that a folder is away, or not watched', () => {
    expect(watching(root({ how: 'offline', why: 'it is not mounted' }), now)).toMatchObject({ text: expect.stringMatching(/^Offline/), why: 'It is not mounted' })
    expect(watching(root({}, { offline: true }), now)!.text).toMatch(/^Offline/)
    expect(watching(root({ how: 'off' }), now)!.text).toMatch(/^Not watched/)
  })

  it('says nothing of uploads', () => {
    expect(watching(root({}, { uploads: true }), now)).toBeNull()
  })
})
