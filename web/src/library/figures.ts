// What the overview tells of a library in numbers: [name, value, note]. One that lies on a server has no size here, and its index is the server's.
import type { Status } from '@/api/types'
import { bytes, count, number } from '@/format'

export type Figure = readonly [name: string, value: string, note: string]

/** A small library has none: comparing every picture is as fast. */
function indexNote(index: Status['index']): string {
  if (!index.segments) return 'searches compare every picture'
  return `${count(index.rows, 'vector')} in ${count(index.segments, 'segment')}`
}

function ofFolder(s: Status): Figure[] {
  return [
    ['On disk', bytes(s.database_bytes), 'without the pictures'],
    ['Search index', s.index.segments ? bytes(s.index.bytes) : 'none', indexNote(s.index)],
  ]
}

function ofServer(store: NonNullable<Status['store']>): Figure[] {
  const note = store.index ? `${number(store.indexed)} of ${count(store.rows, 'vector')}` : ''
  return [
    ['Milvus', store.loaded ? 'ready' : store.state || 'away', store.version ?? ''],
    ['Search index', store.index ?? 'none', note],
  ]
}

export function figuresOf(s: Status): Figure[] {
  return [
    ['Pictures', number(s.pictures), ''],
    ['Files', number(s.files), s.files > s.pictures ? 'the same content counts once' : ''],
    ['Could not be read', number(s.failures), ''],
    ['Folders', number(s.roots), s.roots_offline ? `${s.roots_offline} offline` : ''],
    ...(s.store ? ofServer(s.store) : ofFolder(s)),
  ]
}
