// intake.ts - what a paste or a drop brings: pictures, or the address of one.

export type Intake = { kind: 'files'; files: File[] } | { kind: 'url'; url: string } | { kind: 'other' } | null

const pictureName = /\.(jpe?g|jfif|png|webp|gif|tiff?|bmp|hei[cf]|avif)$/i

/** HEIC and others often come without a type. The server looks at the bytes and has the last word. */
export const isPictureFile = (f: { type: string; name: string }) => f.type.startsWith('image/') || pictureName.test(f.name)

/** An http(s) address that stands alone; null for anything else, prose with a link in it too. */
export function loneUrl(text: string): string | null {
  const t = text.trim()
  if (!/^https?:\/\/\S+$/i.test(t)) return null
  try {
    return new URL(t).href
  } catch {
    return null
  }
}

/** A file wins over text: copying a picture in a browser puts both on the clipboard. */
export function intakeOf(data: Pick<DataTransfer, 'files' | 'getData'> | null): Intake {
  if (!data) return null
  const all = [...data.files]
  const files = all.filter(isPictureFile)
  if (files.length) return { kind: 'files', files }
  if (all.length) return { kind: 'other' }
  const url = loneUrl(data.getData('text/uri-list').split(/\r?\n/).find((l) => l && !l.startsWith('#')) ?? '') ?? loneUrl(data.getData('text/plain'))
  return url ? { kind: 'url', url } : null
}

/** Does a drag carry something to search by? While dragging only the types can be seen. */
export const dragHolds = (types: readonly string[]) => types.includes('Files') || types.includes('text/uri-list')

/** Short name of an address for a chip: its host and the last part of its path. */
export function urlLabel(url: string): string {
  try {
    const u = new URL(url)
    const file = u.pathname.split('/').filter((s) => s !== '').at(-1)
    return file ? `${u.host}/…/${decodeURIComponent(file)}` : u.host
  } catch {
    return url
  }
}
