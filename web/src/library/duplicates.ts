// duplicates.ts - the three kinds of "the same picture more than once" in the words and numbers that the page shows.
//
// They are never mixed: what is safe to delete differs. The same file twice is one picture of the library with two places; near
// duplicates are other bytes of one picture; similar ones are other pictures.
import type { DuplicateGroup, DuplicateMember } from '@/api/types'
import { bytes, count, number } from '@/format'
import { formatLabel } from '@/search/filters'

export type Kind = 'same' | 'near' | 'similar'

export const kinds: readonly { kind: Kind; title: string; what: string; none: string }[] = [
  { kind: 'same', title: 'Same file', what: 'The same bytes in several places: one picture of the library. eyeshine deletes none of them; copy the paths and decide.', none: 'No file is in the library’s folders twice' },
  { kind: 'near', title: 'Near duplicates', what: 'One picture to the eye, but other bytes: smaller, compressed again, another format.', none: 'No picture is there in two versions' },
  { kind: 'similar', title: 'Similar', what: 'Different pictures of much the same thing, like the shots of a burst. Look before you part with one.', none: 'No two pictures are this much alike' },
]

/** What is looked for; `loose`: null is what the server takes by itself. */
export interface Wish {
  kind: Kind
  /** Near: bits of 64 in which they may differ; similar: least likeness in hundredths. */
  loose: number | null
}

/** Ends of the slider; from strict to loose. */
export const ranges = { near: { strict: 0, loose: 16, usual: 6 }, similar: { strict: 99, loose: 80, usual: 88 } } as const

const inside = (n: number, a: number, b: number) => Number.isInteger(n) && n >= Math.min(a, b) && n <= Math.max(a, b)

export function wishOf(query: Record<string, unknown>): Wish {
  const kind = kinds.find((k) => k.kind === query.kind)?.kind ?? 'same'
  if (kind === 'same' || typeof query.loose !== 'string') return { kind, loose: null }
  const n = query.loose === '' ? NaN : Number(query.loose)
  return { kind, loose: inside(n, ranges[kind].strict, ranges[kind].loose) ? n : null }
}

export const addressOf = (w: Wish): Record<string, string> => ({ kind: w.kind, ...(w.loose === null ? {} : { loose: String(w.loose) }) })

export function askFor(w: Wish): Record<string, string | number> {
  if (w.loose === null) return { kind: w.kind }
  return w.kind === 'near' ? { kind: w.kind, distance: w.loose } : { kind: w.kind, cosine: w.loose / 100 }
}

/** What the slider stands for, in words. */
export function looseText(w: Wish): string {
  if (w.kind === 'near') {
    const bits = w.loose ?? ranges.near.usual
    return bits === 0 ? 'no visible difference' : bits <= 3 ? 'hardly any difference' : bits <= 8 ? 'small differences' : 'visible differences'
  }
  return w.loose === null ? 'as the model suggests' : `at least ${w.loose} % alike`
}

// ---- groups ----
export const bestOf = (g: DuplicateGroup): DuplicateMember => g.members[0]!
export const othersOf = (g: DuplicateGroup): DuplicateMember[] => g.members.slice(1)

/** Bytes of all but the best: what could be had back. */
export const freed = (g: DuplicateGroup): number => othersOf(g).reduce((sum, m) => sum + m.size, 0)

export function groupText(g: DuplicateGroup, kind: Kind): string {
  const n = count(g.members.length, kind === 'same' ? 'file' : 'picture')
  return kind === 'similar' ? n : `${n} · ${bytes(freed(g))} could be freed`
}

/** All groups in one line; sizes are known of those that have come. */
export function sumText(groups: readonly DuplicateGroup[], total: number, kind: Kind): string {
  const n = count(total, 'group')
  if (kind === 'similar') return n
  const sum = bytes(groups.reduce((all, g) => all + freed(g), 0))
  return `${n} · ${sum} could be freed${groups.length < total ? ` in the first ${number(groups.length)}` : ''}`
}

/** How a member differs from the best of its group. */
export function differs(m: DuplicateMember, best: DuplicateMember, kind: Kind): string {
  if (kind === 'same') return 'identical bytes'
  if (kind === 'similar') return `${Math.min(99, Math.round(m.cosine * 100))} % alike`
  const parts: string[] = []
  const smaller = m.width * m.height < best.width * best.height
  if (smaller) parts.push('smaller')
  if (m.format !== best.format) parts.push(`as ${formatLabel(m.format)}`)
  if (!parts.length) parts.push(m.size < best.size ? 'recompressed' : 'saved again')
  return parts.join(', ')
}

/** For those who want to know exactly. */
export function exactly(m: DuplicateMember, kind: Kind): string {
  if (kind === 'same') return ''
  const bits = m.distance !== null ? `${m.distance} of 64 bits of the perceptual hash differ; ` : ''
  return `${bits}cosine ${m.cosine.toFixed(3)}`
}

export const folderOf = (path: string): string => path.slice(0, Math.max(0, path.lastIndexOf('/'))) || '/'

// ---- forgetting ----
/** What the confirmation says before pictures leave the library: exactly what happens to which files. */
export function forgetText(paths: readonly string[], uploads: string | undefined): string {
  const own = uploads === undefined ? 0 : paths.filter((p) => p.startsWith(`${uploads}/`)).length
  const left = paths.length - own
  const [files, it, lie] = left === 1 ? ['file stays', 'it', 'lies'] : ['files stay', 'they', 'lie']
  const which = left === 1 ? (own ? 'The other' : 'Its') : own ? `The other ${number(left)}` : `The ${number(left)}`
  const stay = `${which} ${files} on disk where ${it} ${left === 1 ? 'is' : 'are'}; as long as ${it} ${lie} in a folder of the library, the next look at it finds ${left === 1 ? 'it' : 'them'} again.`
  const gone = own === 1 && !left ? 'It was uploaded: its file on the server is deleted from disk.' : own === 1 ? '1 file that was uploaded is deleted from disk.' : `${number(own)} files that were uploaded are deleted from disk.`
  return [own ? `${gone} This can’t be undone.` : '', left ? stay : ''].filter(Boolean).join(' ')
}

/** Groups without the pictures that were forgotten; what is alone is no group any more. */
export function without(groups: readonly DuplicateGroup[], ids: ReadonlySet<number>): DuplicateGroup[] {
  return groups.map((g) => ({ ...g, members: g.members.filter((m) => !ids.has(m.id)) })).filter((g) => g.members.length > 1)
}
