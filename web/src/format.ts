// Numbers, sizes and times as people read them.
const group = new Intl.NumberFormat('en')

export const number = (n: number): string => group.format(n)

/** The server's sentences begin small, as part of a longer one. */
export const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1)

/** count(2, 'picture') = '2 pictures' */
export const count = (n: number, one: string, many = `${one}s`): string => `${number(n)} ${n === 1 ? one : many}`

export function bytes(n: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB']
  let unit = 0
  while (n >= 999.5 && unit < units.length - 1) {
    n /= 1000
    unit++
  }
  return `${unit === 0 || n >= 99.95 ? Math.round(n) : n.toFixed(1)} ${units[unit]}`
}

/** Rough on purpose: '12 s', '3 min', '2 h 5 min'. */
export function duration(seconds: number): string {
  const s = Math.max(0, Math.round(seconds))
  if (s < 60) return `${s} s`
  const minutes = Math.round(s / 60)
  if (minutes < 60) return `${minutes} min`
  const hours = Math.floor(minutes / 60)
  return minutes % 60 ? `${hours} h ${minutes % 60} min` : `${hours} h`
}

export const rate = (perSecond: number): string => `${perSecond >= 10 ? Math.round(perSecond) : perSecond.toFixed(1)} per second`

const dateTime = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'short' })
export const when = (iso: string | null | undefined): string => (iso ? dateTime.format(new Date(iso)) : 'never')

/** 'just now', '5 min ago', '3 h ago', then the date. */
export function ago(iso: string | null | undefined, now: number = Date.now()): string {
  if (!iso) return 'never'
  const seconds = (now - Date.parse(iso)) / 1000
  if (seconds < 45) return 'just now'
  return seconds < 86400 ? `${duration(Math.max(60, seconds))} ago` : when(iso)
}
