import { describe, expect, it } from 'vitest'
import type { Status } from '@/api/types'
import { figuresOf } from '@/library/figures'

function status(more: Partial<Status>): Status {
  return {
    version: '0.1.0', pictures: 2, files: 3, failures: 0, embedded: 2, database_bytes: 4096, roots: 1, roots_offline: 1,
    index: { segments: 0, rows: 0, bytes: 0 }, store: null, model: 'starter', dim: 384, samples: false, library: '/l', writable: true,
    limits: { upload_bytes: 1, files: 1 }, ...more,
  } as Status
}
const note = (s: Status, name: string) => figuresOf(s).find((f) => f[0] === name)?.slice(1)

describe('figures of a library', () => {
  it('in a folder has a size, and an index when it is large', () => {
    expect(note(status({}), 'On disk')).toEqual(['4.1 kB', 'without the pictures'])
    expect(note(status({}), 'Search index')).toEqual(['none', 'searches compare every picture'])
    expect(note(status({ index: { segments: 2, rows: 20000, bytes: 12e6 } }), 'Search index')).toEqual(['12.0 MB', '20,000 vectors in 2 segments'])
    expect(note(status({}), 'Files')).toEqual(['3', 'the same content counts once'])
    expect(note(status({}), 'Folders')).toEqual(['1', '1 offline'])
    expect(note(status({}), 'Milvus')).toBeUndefined()
  })

  it('on a server tells of the server', () => {
    const store = { kind: 'milvus', name: null, version: null, loaded: true, state: 'loaded', index: 'HNSW', rows: 1000, indexed: 900 } as const
    expect(note(status({ store }), 'Milvus')).toEqual(['ready', ''])
    expect(note(status({ store: { ...store, loaded: false, state: 'loading', version: 'v2.3.5' } }), 'Milvus')).toEqual(['loading', 'v2.3.5'])
    expect(note(status({ store: { ...store, loaded: false, state: '' } }), 'Milvus')).toEqual(['away', ''])
    expect(note(status({ store }), 'Search index')).toEqual(['HNSW', '900 of 1,000 vectors'])
    expect(note(status({ store: { ...store, index: null } }), 'Search index')).toEqual(['none', ''])
    expect(note(status({ store }), 'On disk')).toBeUndefined()
  })
})
