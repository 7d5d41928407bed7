// One job's items and the files that stand for them: what became of each file is read from the items.
import type { Item, Items } from '@/api/types'
import type { Upload } from './queue'

export class Track {
  private readonly bySeq = new Map<number, Upload>()
  private readonly strangers = new Map<number, Item>() // items that no file is known for (yet)
  private readonly dropped = new Set<number>() // their file was sent anew
  private settled = 0 // all items up to this seq are final
  private reading: Promise<void> | null = null
  private again: Promise<void> | null = null

  constructor(
    readonly job: number,
    private readonly items: (job: number, after: number) => Promise<Items>,
    private readonly apply: (upload: Upload, item: Item) => void,
    private readonly gone: (upload: Upload) => void, // its item is no more: a zip, now that it is unpacked
  ) {}

  owns(seq: number): boolean {
    return this.bySeq.has(seq)
  }

  /** `upload` is the item; events may have told of the item before the answer came. */
  own(upload: Upload, item: Item): void {
    upload.job = this.job
    upload.seq = item.seq
    this.bySeq.set(item.seq, upload)
    this.apply(upload, this.strangers.get(item.seq) ?? item)
    this.strangers.delete(item.seq)
  }

  disown(upload: Upload): void {
    this.bySeq.delete(upload.seq)
    this.dropped.add(upload.seq)
  }

  /** Reads what changed. A call during a reading is answered by one more reading, whoever else asks. */
  refresh(): Promise<void> {
    if (this.again) return this.again
    if (this.reading) {
      this.again = this.reading
        .catch(() => undefined)
        .then(() => {
          this.again = null
          return this.refresh()
        })
      return this.again
    }
    this.reading = this.read().finally(() => (this.reading = null))
    return this.reading
  }

  /** An item with this name and size that no file stands for: it came through although its answer was lost. */
  twin(name: string, size: number): Item | undefined {
    return [...this.strangers.values()].find((item) => item.name === name && item.bytes === size)
  }

  /** What no file stood for when all files were sent came out of a zip. */
  orphans(): Item[] {
    return [...this.strangers.values()]
  }

  private async read(): Promise<void> {
    const from = this.settled
    const seen = new Set<number>()
    let unbroken = true
    let last = from
    for (let after: number | null = from; after !== null; ) {
      const page: Items = await this.items(this.job, after)
      for (const item of page.items) {
        unbroken &&= item.state !== 'waiting'
        if (unbroken) this.settled = item.seq
        seen.add((last = item.seq))
        this.learn(item)
      }
      after = page.next
    }
    for (const [seq, upload] of this.bySeq)
      if (seq > from && seq < last && !seen.has(seq)) {
        this.bySeq.delete(seq)
        this.gone(upload)
      }
  }

  private learn(item: Item): void {
    const upload = this.bySeq.get(item.seq)
    if (upload) this.apply(upload, item)
    else if (!this.dropped.has(item.seq)) this.strangers.set(item.seq, item)
  }
}
