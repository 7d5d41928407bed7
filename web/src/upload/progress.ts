// One sentence on how far it is.
import { count, duration, number, rate as perSecond } from '@/format'

export interface Figures {
  total: number
  done: number
  indexed: number
  duplicates: number
  failed: number
  cancelled?: number
  rate: number // files a second; 0: not known
}

export function progressLine(f: Figures): string {
  if (!f.total) return ''
  const parts: string[] = []
  if (f.done >= f.total) {
    parts.push(f.indexed ? `${count(f.indexed, 'picture')} added` : 'Nothing new')
    if (f.duplicates) parts.push(`${number(f.duplicates)} in the library already`)
    if (f.failed) parts.push(`${number(f.failed)} failed`)
    if (f.cancelled) parts.push(`${number(f.cancelled)} cancelled`)
  } else {
    parts.push(`${number(f.done)} of ${count(f.total, 'file')}`)
    if (f.failed) parts.push(`${number(f.failed)} failed`)
    if (f.rate > 0) parts.push(perSecond(f.rate), `about ${duration((f.total - f.done) / f.rate)} left`)
  }
  return `${parts.join(', ')}.`
}
