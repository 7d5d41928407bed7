// format.ts - what pictures are, as people read it. Numbers, bytes and dates in general: @/format.

export function dimensionsText(width: number, height: number): string {
  const mp = (width * height) / 1e6
  const megapixels = mp >= 0.1 ? ` · ${mp >= 9.95 ? Math.round(mp) : mp.toFixed(1)} MP` : ''
  return `${width} × ${height}${megapixels}`
}

/** When it was taken: cameras write local time without a zone, which the server keeps as if it were UTC. */
export function takenText(instant: string | null, locale?: string): string {
  if (!instant) return ''
  const at = new Date(instant)
  if (Number.isNaN(at.getTime())) return ''
  return at.toLocaleString(locale, { dateStyle: 'long', timeStyle: 'short', timeZone: 'UTC' })
}

export function percentText(part: number): string {
  return `${Math.round(Math.min(1, Math.max(0, part)) * 100)} %`
}

export function weightText(weight: number): string {
  const size = Math.abs(weight)
  return `${weight < 0 ? '−' : '+'}${String(Math.round(size * 100) / 100)}`
}

export function placeText(gps: { lat: number; lon: number }): string {
  const part = (v: number, plus: string, minus: string) => `${Math.abs(v).toFixed(5)}° ${v < 0 ? minus : plus}`
  return `${part(gps.lat, 'N', 'S')}, ${part(gps.lon, 'E', 'W')}`
}

/** The smallest size the server makes that fills the cell at this pixel density. */
export function thumbnailSize(width: number, height: number, density: number): number {
  const need = Math.max(width, height) * Math.min(3, Math.max(1, density))
  // A tenth less than needed can't be seen and often halves the bytes.
  return [128, 256, 512, 1024, 2048].find((s) => s >= need * 0.9) ?? 2048
}

/** Formats that every current browser shows by itself; the viewer falls back to a thumbnail for the others. */
export const browserShows = (format: string) => ['jpeg', 'png', 'webp', 'gif', 'bmp', 'avif'].includes(format)
