// watching.ts - how a folder is looked after, in the words of people rather than of file systems.
import type { Root } from '@/api/types'
import { ago, capital, count } from '@/format'

export interface Watching {
  text: string
  /** The server's own reason, for those who can do something about it. */
  why: string
  changed: string
}

/** 'every 5 minutes', 'every 30 seconds' */
function every(seconds: number): string {
  const minutes = seconds / 60
  if (Number.isInteger(minutes)) return minutes === 1 ? 'every minute' : `every ${count(minutes, 'minute')}`
  return seconds === 1 ? 'every second' : `every ${count(seconds, 'second')}`
}

function polled(why: string): Pick<Watching, 'text' | 'why'> {
  const [, reason = why, seconds] = /^(.*?)(?:; looked at every (\d+) s)?$/s.exec(why) ?? []
  const how = `changes are looked for ${seconds ? every(Number(seconds)) : 'every now and then'}`
  const away = /a file system that does not tell/.test(reason)
  return { text: away ? `Network folder: ${how}` : capital(how), why: capital(reason) }
}

export function watching(root: Pick<Root, 'watch' | 'offline' | 'uploads'>, now?: number): Watching | null {
  const { watch } = root
  if (root.uploads) return null
  const changed = watch.changed_at ? `last change ${ago(watch.changed_at, now)}` : ''
  if (root.offline || watch.how === 'offline') return { text: 'Offline: its pictures stay findable until it is back', why: capital(watch.why), changed }
  if (watch.how === 'notified') return { text: 'Watched: changes show within seconds', why: '', changed }
  if (watch.how === 'polled') return { ...polled(watch.why), changed }
  return { text: 'Not watched: a scan takes in what changed', why: '', changed: '' }
}
