// filters.ts - filters as a person reads and writes them: labels of the chips, days, megapixels.
import { cleanFilter } from './query'
import type { Filter } from './types'

export interface FilterChip {
  /** The fields that the chip stands for; removing it clears them. */
  names: (keyof Filter)[]
  label: string
}

export interface RootName {
  id: number
  path: string
  uploads?: boolean
}

/** What the server can index, in the words people use. */
export const formats: readonly { value: string; label: string }[] = [
  { value: 'jpeg', label: 'JPEG' },
  { value: 'png', label: 'PNG' },
  { value: 'webp', label: 'WebP' },
  { value: 'gif', label: 'GIF' },
  { value: 'heic', label: 'HEIC' },
  { value: 'avif', label: 'AVIF' },
  { value: 'tiff', label: 'TIFF' },
  { value: 'bmp', label: 'BMP' },
]

export const formatLabel = (format: string) => formats.find((f) => f.value === format)?.label ?? format.toUpperCase()

/** A day as the <input type=date> has it -> the instant it begins where the person is, in UTC. */
export function dayStart(day: string): string | undefined {
  const m = /^(\d{4,5})-(\d\d)-(\d\d)$/.exec(day)
  if (!m) return undefined
  const at = new Date(Number(m[1]), Number(m[2]) - 1, Number(m[3]))
  return Number.isNaN(at.getTime()) ? undefined : at.toISOString().replace('.000Z', 'Z')
}

/** Ranges of the API end before `to`; people mean the last day to be part of it. */
export function dayEnd(day: string): string | undefined {
  const start = dayStart(day)
  if (!start) return undefined
  const at = new Date(start)
  at.setDate(at.getDate() + 1)
  return at.toISOString().replace('.000Z', 'Z')
}

function isoDay(at: Date): string {
  const two = (n: number) => String(n).padStart(2, '0')
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`
}

export const dayOf = (instant: string | undefined) => (instant ? isoDay(new Date(instant)) : '')

export function lastDayOf(instant: string | undefined): string {
  if (!instant) return ''
  return isoDay(new Date(new Date(instant).getTime() - 1))
}

function rangeLabel(what: string, from: string, to: string): string {
  if (from && to) return from === to ? `${what} ${from}` : `${what} ${from} to ${to}`
  return from ? `${what} since ${from}` : `${what} until ${to}`
}

function sizeLabel(f: Filter): string {
  const { min_megapixels: lo, max_megapixels: hi } = f
  if (lo && hi) return `${lo} to ${hi} MP`
  return lo ? `at least ${lo} MP` : `at most ${hi} MP`
}

const folderName = (path: string) => path.replace(/\/+$/, '').split('/').pop() || path

export function rootLabel(root: RootName | undefined, id: number): string {
  if (!root) return `folder ${id}`
  return root.uploads ? 'Uploads' : folderName(root.path)
}

/** One chip for each thing that narrows the search, in the order of the filter bar. */
export function filterChips(filter: Filter, roots: readonly RootName[] = []): FilterChip[] {
  const f = cleanFilter(filter)
  const out: FilterChip[] = []
  const add = (label: string, ...names: (keyof Filter)[]) => out.push({ names, label })
  if (f.path) add(`path ${f.path}`, 'path')
  if (f.name) add(`file name ${f.name}`, 'name')
  if (f.root) add(`in ${rootLabel(roots.find((r) => r.id === f.root), f.root)}`, 'root')
  if (f.format) add(formatLabel(f.format), 'format')
  if (f.taken_from || f.taken_to)
    add(rangeLabel('taken', dayOf(f.taken_from), lastDayOf(f.taken_to)), 'taken_from', 'taken_to')
  if (f.added_from || f.added_to)
    add(rangeLabel('added', dayOf(f.added_from), lastDayOf(f.added_to)), 'added_from', 'added_to')
  if (f.min_megapixels || f.max_megapixels) add(sizeLabel(f), 'min_megapixels', 'max_megapixels')
  if (f.min_width) add(`at least ${f.min_width} px wide`, 'min_width')
  if (f.min_height) add(`at least ${f.min_height} px high`, 'min_height')
  if (f.orientation) add(f.orientation, 'orientation')
  if (f.camera) add(`camera ${f.camera}`, 'camera')
  if (f.gps !== undefined) add(f.gps ? 'has a place' : 'has no place', 'gps')
  return out
}

export function withoutFields(f: Filter, names: readonly (keyof Filter)[]): Filter {
  return Object.fromEntries(Object.entries(f).filter(([k]) => !names.includes(k as keyof Filter))) as Filter
}

/** A filter that finds exactly this file: the API's path is a glob when it has a glob character, else a part of the path. */
export const exactPath = (path: string) => (/[*?[\]\\]/.test(path) ? path.replace(/[*?[\]\\]/g, '\\$&') : path)
