// What was dropped, chosen or pasted, as files with the relative path they had: folders are walked.
//
// In a folder only pictures and zips are taken (cameras and systems leave other files there); a file that was picked itself is
// always sent, so that the server can say what is wrong with it.
export interface Picked {
  file: File
  name: string // relative path, '/' between folders
}
export interface Found {
  picked: Picked[]
  left: number // files in folders that are no pictures
}

const picture = /\.(jpe?g|jpe|jfif|png|webp|gif|tiff?|bmp|dib|hei[cf]|hif|avif|zip)$/i
export const accept = 'image/*,.heic,.heif,.avif,.tif,.tiff,.zip'

const hidden = (path: string): boolean => path.split('/').some((part) => part.startsWith('.') || part === '@eaDir' || part === '__MACOSX')

function sort(picked: Picked[], inFolder: (p: Picked) => boolean): Found {
  const kept = picked.filter((p) => !inFolder(p) || (picture.test(p.name) && !hidden(p.name)))
  const visible = picked.filter((p) => !inFolder(p) || !hidden(p.name)).length
  return { picked: kept, left: visible - kept.length }
}

/** From <input type=file>, also with webkitdirectory. */
export function fromInput(files: Iterable<File>): Found {
  const picked = [...files].map((file) => ({ file, name: file.webkitRelativePath || file.name }))
  return sort(picked, (p) => p.file.webkitRelativePath !== '')
}

/** From a drop. The entries must be asked for at once: the list is emptied when the event is over. */
export async function fromDrop(items: Iterable<DataTransferItem>, files: Iterable<File>): Promise<Found> {
  const roots = [...items].filter((item) => item.kind === 'file').map((item) => ({ entry: item.webkitGetAsEntry?.(), file: item.getAsFile() }))
  if (!roots.length) return fromInput(files)
  const found: Found = { picked: [], left: 0 }
  for (const { entry, file } of roots) {
    if (entry?.isDirectory) {
      const inside = sort(await walk(entry as FileSystemDirectoryEntry), () => true)
      found.picked.push(...inside.picked)
      found.left += inside.left
    } else if (file) found.picked.push({ file, name: file.name })
  }
  return found
}

/** From the clipboard: pictures without a name get one with the time. */
export function fromPaste(data: DataTransfer, now: Date = new Date()): Found {
  const stamp = now.toISOString().slice(0, 19).replaceAll(':', '.').replace('T', ' ')
  const picked = [...data.files].map((file, i) => {
    const generic = /^image\.\w+$/.test(file.name)
    const name = generic ? `pasted ${stamp}${i ? ` ${i + 1}` : ''}.${file.name.split('.').pop()}` : file.name
    return { file, name }
  })
  return { picked, left: 0 }
}

async function walk(folder: FileSystemDirectoryEntry): Promise<Picked[]> {
  const found: Picked[] = []
  const reader = folder.createReader()
  for (;;) {
    // A reader gives some hundred entries a call, and none at the end.
    const entries = await new Promise<FileSystemEntry[]>((resolve, reject) => reader.readEntries(resolve, reject))
    if (!entries.length) return found
    for (const entry of entries) {
      if (entry.isDirectory) found.push(...(await walk(entry as FileSystemDirectoryEntry)))
      else {
        const file = await new Promise<File>((resolve, reject) => (entry as FileSystemFileEntry).file(resolve, reject))
        found.push({ file, name: entry.fullPath.replace(/^\//, '') })
      }
    }
  }
}
