import { describe, expect, it } from 'vitest'
import { fromDrop, fromInput, fromPaste } from '@/upload/entries'

const file = (name: string, path = ''): File => Object.defineProperty(new File(['x'], name), 'webkitRelativePath', { value: path })

// The least of the browser's FileSystem API; a reader gives two entries a call, as real ones give a hundred.
function entry(path: string, children?: unknown[]): unknown {
  const name = path.split('/').pop()!
  if (!children) return { isDirectory: false, fullPath: path, name, file: (ok: (f: File) => void) => ok(file(name)) }
  return {
    isDirectory: true,
    fullPath: path,
    name,
    createReader: () => {
      const rest = [...children]
      return { readEntries: (ok: (e: unknown[]) => void) => ok(rest.splice(0, 2)) }
    },
  }
}
const item = (e: unknown, f: File | null = null): DataTransferItem => ({ kind: 'file', webkitGetAsEntry: () => e, getAsFile: () => f }) as unknown as DataTransferItem

describe('what was dropped', () => {
  it('walks folders to the end and keeps their paths', async () => {
    const tree = entry('/trip', [entry('/trip/1.jpg'), entry('/trip/2.PNG'), entry('/trip/3.heic'), entry('/trip/day 2', [entry('/trip/day 2/4.webp')]), entry('/trip/5.zip')])
    const { picked, left } = await fromDrop([item(tree)], [])
    expect(picked.map((p) => p.name)).toEqual(['trip/1.jpg', 'trip/2.PNG', 'trip/3.heic', 'trip/day 2/4.webp', 'trip/5.zip'])
    expect(left).toBe(0)
  })

  it('leaves out what is no picture in a folder, and counts it; hidden files are not mentioned', async () => {
    const tree = entry('/a', [entry('/a/b.jpg'), entry('/a/notes.txt'), entry('/a/clip.mp4'), entry('/a/.DS_Store'), entry('/a/@eaDir', [entry('/a/@eaDir/b.jpg')])])
    const { picked, left } = await fromDrop([item(tree)], [])
    expect(picked.map((p) => p.name)).toEqual(['a/b.jpg'])
    expect(left).toBe(2)
  })

  it('takes a single file whatever its name says', async () => {
    const { picked, left } = await fromDrop([item(entry('/odd.bin'), file('odd.bin'))], [])
    expect(picked.map((p) => p.name)).toEqual(['odd.bin'])
    expect(left).toBe(0)
  })

  it('falls back to the plain list of files', async () => {
    const { picked } = await fromDrop([], [file('a.jpg')])
    expect(picked.map((p) => p.name)).toEqual(['a.jpg'])
  })
})

describe('what was chosen or pasted', () => {
  it('keeps the folder of a chosen folder', () => {
    const { picked, left } = fromInput([file('a.jpg', 'trip/a.jpg'), file('b.txt', 'trip/b.txt')])
    expect(picked.map((p) => p.name)).toEqual(['trip/a.jpg'])
    expect(left).toBe(1)
  })

  it('names pasted pictures by the time', () => {
    const data = { files: [file('image.png'), file('image.png'), file('cat.jpg')] } as unknown as DataTransfer
    const { picked } = fromPaste(data, new Date('2026-01-02T03:04:05Z'))
    expect(picked.map((p) => p.name)).toEqual(['pasted 2026-01-02 03.04.05.png', 'pasted 2026-01-02 03.04.05 2.png', 'cat.jpg'])
  })
})
