// The queue against a server in memory that can be away, lose answers, and work item by item.
import { beforeEach, describe, expect, it, vi } from 'vitest'
import { ApiError } from '@/api/client'
import type { Item, Job, UploadAnswer } from '@/api/types'
import { BATCH_BYTES, BATCH_FILES, nextBatch, spread } from '@/upload/batch'
import { Queue, type Io, type Upload } from '@/upload/queue'

const LIMITS = { upload_bytes: 100e6, files: 1000 }
const gone = (): ApiError => new ApiError('away', 0)

class Server implements Io {
  jobs = new Map<number, { open: boolean; items: Item[] }>()
  received: string[] = []
  flying = 0
  mostFlying = 0
  away = 0 // so many requests fail before anything is received
  lose = 0 // so many uploads are received and their answer is lost
  hold: Promise<void> = Promise.resolve()
  refuse: (batch: Upload[]) => ApiError | null = () => null
  pauses: number[] = []

  limits = (): typeof LIMITS => LIMITS
  private knock(): void {
    if (this.away > 0) {
      this.away--
      throw gone()
    }
  }
  open = async (): Promise<Job> => {
    this.knock()
    const id = this.jobs.size + 1
    this.jobs.set(id, { open: true, items: [] })
    return { id } as Job
  }
  send = async (id: number, batch: Upload[], onProgress: (n: number) => void, signal: AbortSignal): Promise<UploadAnswer> => {
    this.knock()
    const no = this.refuse(batch)
    if (no) throw no
    const job = this.jobs.get(id)
    if (!job) throw new ApiError('There is no such job.', 404, 'notfound')
    if (!job.open) throw new ApiError('The job is closed.', 409, 'busy')
    this.mostFlying = Math.max(this.mostFlying, ++this.flying)
    onProgress(1)
    await this.hold
    this.flying--
    if (signal.aborted) throw new DOMException('cancelled', 'AbortError')
    const items = batch.map((u): Item => ({ seq: 0, name: u.name, state: 'waiting', picture: null, bytes: u.size, reason: '', code: '' }))
    for (const item of items) item.seq = job.items.push(item)
    this.received.push(...batch.map((u) => u.name))
    if (this.lose > 0) {
      this.lose--
      throw gone()
    }
    const [first, last] = [items[0]!.seq, items.at(-1)!.seq]
    return { job: { id } as Job, items: job.items.filter((i) => i.seq >= first && i.seq <= last) }
  }
  items = async (id: number, after: number): Promise<{ items: Item[]; next: number | null }> => {
    this.knock()
    const all = this.jobs.get(id)!.items.filter((i) => i.seq > after)
    return { items: all.slice(0, 5).map((i) => ({ ...i })), next: all.length > 5 ? all[4]!.seq : null }
  }
  close = async (id: number): Promise<void> => {
    this.knock()
    this.jobs.get(id)!.open = false
  }
  cancel = vi.fn(async () => undefined)
  pause = async (ms: number): Promise<void> => void this.pauses.push(ms)

  work(id = 1): void {
    for (const item of this.jobs.get(id)!.items)
      if (item.state === 'waiting') Object.assign(item, item.name.includes('broken') ? { state: 'failed', reason: 'It ends early.', code: 'format' } : { state: 'indexed', picture: 100 + item.seq })
  }
}

const files = (n: number, size = 10, name = 'f'): { file: File; name: string }[] =>
  Array.from({ length: n }, (_, i) => ({ file: { size } as File, name: `${name}/${i}.jpg` }))
const settle = async (): Promise<void> => {
  for (let i = 0; i < 200; i++) await Promise.resolve()
}
let server: Server
let queue: Queue
beforeEach(() => {
  server = new Server()
  queue = new Queue(server)
})

describe('sending', () => {
  it('sends everything once, three requests at a time, in one job that is then closed', async () => {
    let go = (): void => {}
    server.hold = new Promise((resolve) => (go = resolve))
    queue.add(files(100))
    await settle()
    expect(server.flying).toBe(3)
    expect(queue.counts.sending).toBe(3 * BATCH_FILES)
    go()
    await settle()
    expect(server.mostFlying).toBe(3)
    expect(new Set(server.received).size).toBe(100)
    expect(server.received).toHaveLength(100)
    expect([...server.jobs.values()].map((j) => j.open)).toEqual([false])
    expect(queue.counts.sent).toBe(100)
    expect(queue.busy).toBe(false)
  })

  it('knows its files though two requests were numbered in turns', async () => {
    queue.add(files(BATCH_FILES * 2))
    const send = server.send
    server.send = async (...args) => {
      const answer = await send(...args)
      const all = server.jobs.get(1)!.items
      if (all.length < BATCH_FILES * 2) return new Promise((resolve) => setTimeout(() => resolve({ ...answer, items: [...all] }), 0))
      return { ...answer, items: [...all] }
    }
    await new Promise((resolve) => setTimeout(resolve, 20))
    server.work()
    await queue.refresh(1)
    expect(queue.rows.value).toHaveLength(BATCH_FILES * 2)
    expect(queue.counts.indexed).toBe(BATCH_FILES * 2)
    const items = server.jobs.get(1)!.items
    for (const u of queue.rows.value) expect(items[u.seq - 1]!.name).toBe(u.name)
  })

  it('gives files that come later a job of their own, and still learns about the first', async () => {
    queue.add(files(2, 10, 'a'))
    await settle()
    queue.add(files(2, 10, 'b'))
    await settle()
    expect(queue.state.jobs).toEqual([1, 2])
    server.work(1)
    await queue.refresh(1)
    expect(queue.counts).toMatchObject({ indexed: 2, sent: 2 })
    server.work(2)
    await queue.refresh(2)
    expect(queue.counts.indexed).toBe(4)
  })

  it('says at once that a file is too large', async () => {
    queue.add([{ file: { size: LIMITS.upload_bytes + 1 } as File, name: 'big.tif' }])
    expect(queue.rows.value[0]).toMatchObject({ state: 'failed', code: 'limit' })
    await settle()
    expect(server.jobs.size).toBe(0)
  })
})

describe('what became of them', () => {
  it('is read from the items, page by page, with reasons', async () => {
    queue.add([...files(12), { file: { size: 5 } as File, name: 'broken.jpg' }])
    await settle()
    server.work()
    await queue.refresh(1)
    expect(queue.counts).toMatchObject({ indexed: 12, failed: 1 })
    expect(queue.rows.value.at(-1)).toMatchObject({ state: 'failed', reason: 'It ends early.', code: 'format' })
    expect(queue.rows.value[0]).toMatchObject({ picture: 101, file: null })
  })

  it('shows what was in a zip', async () => {
    queue.add([{ file: { size: 5 } as File, name: 'all.zip' }])
    await settle()
    await queue.refresh(1)
    expect(queue.rows.value.map((u) => u.name)).toEqual(['all.zip'])
    server.jobs.get(1)!.items = [{ seq: 2, name: 'all/1.jpg', state: 'waiting', picture: null, bytes: 3, reason: '', code: '' }]
    await queue.refresh(1)
    server.work()
    await queue.refresh(1)
    expect(queue.rows.value.map((u) => u.name)).toEqual(['all/1.jpg'])
    expect(queue.counts).toMatchObject({ sent: 0, indexed: 1 })
  })

  it('retries a failed file in a new job and does not show the old outcome again', async () => {
    queue.add([{ file: { size: 5 } as File, name: 'broken.jpg' }])
    await settle()
    server.work()
    await queue.refresh(1)
    queue.retry(queue.rows.value)
    await settle()
    expect(queue.rows.value).toHaveLength(1)
    expect(queue.counts.sent).toBe(1)
    await queue.refresh(1)
    expect(queue.rows.value).toHaveLength(1)
    server.jobs.get(2)!.items[0]!.name = 'mended.jpg'
    server.work(2)
    await queue.refresh(2)
    expect(queue.counts).toMatchObject({ indexed: 1, failed: 0 })
  })
})

describe('trouble', () => {
  it('waits with growing pauses while the server is away, then goes on', async () => {
    server.away = 5
    queue.add(files(3))
    await settle()
    expect(server.received).toHaveLength(3)
    expect(server.pauses.slice(0, 3)).toEqual([500, 1000, 2000])
    expect(queue.state.away).toBe(false)
  })

  it('does not send again what came through although the answer was lost', async () => {
    server.lose = 2
    queue.add(files(40))
    await settle()
    expect(server.received).toHaveLength(40)
    expect(queue.counts.sent).toBe(40)
    server.work()
    await queue.refresh(1)
    expect(queue.counts.indexed).toBe(40)
    expect(queue.rows.value).toHaveLength(40)
  })

  it('blames the one file that can not be sent, not its neighbours', async () => {
    server.refuse = (batch) => (batch.some((u) => u.name === 'f/3.jpg') ? new ApiError('Too large.', 413, 'limit') : null)
    queue.add(files(6))
    await settle()
    expect(queue.counts).toMatchObject({ sent: 5, failed: 1 })
    expect(queue.rows.value[3]).toMatchObject({ state: 'failed', reason: 'Too large.', code: 'limit' })
  })

  it('blames a file that the browser can not read, when the server is well', async () => {
    server.refuse = (batch) => (batch.some((u) => u.name === 'f/0.jpg') ? gone() : null)
    queue.add(files(2))
    await settle()
    await settle()
    expect(queue.counts).toMatchObject({ sent: 1, failed: 1 })
    expect(queue.rows.value[0]!.reason).toMatch(/browser/)
  })

  it('opens another job when its own is gone', async () => {
    let go = (): void => {}
    server.hold = new Promise((resolve) => (go = resolve))
    queue.add(files(BATCH_FILES * 4))
    await settle()
    server.jobs.get(1)!.open = false
    go()
    await settle()
    expect(queue.state.jobs).toEqual([1, 2])
    expect(queue.counts.sent).toBe(BATCH_FILES * 4)
    expect(server.received).toHaveLength(BATCH_FILES * 4)
  })

  it('cancels: nothing more is sent, the job is told', async () => {
    let go = (): void => {}
    server.hold = new Promise((resolve) => (go = resolve))
    queue.add(files(100))
    await settle()
    await queue.cancel()
    go()
    await settle()
    expect(server.received).toEqual([])
    expect(server.cancel).toHaveBeenCalledWith(1)
    expect(queue.counts.cancelled).toBe(100)
    queue.clear()
    expect(queue.rows.value).toEqual([])
  })
})

describe('batches', () => {
  const upload = (size: number): Upload => ({ size, progress: 0 }) as Upload
  it('hold at most so many files and bytes, and at least one file', () => {
    expect(nextBatch(Array.from({ length: 50 }, () => upload(1)), LIMITS)).toHaveLength(BATCH_FILES)
    expect(nextBatch([upload(BATCH_BYTES * 2), upload(1)], LIMITS)).toHaveLength(1)
    expect(nextBatch([upload(1), upload(BATCH_BYTES), upload(1)], LIMITS)).toHaveLength(1)
    expect(nextBatch([upload(1), upload(1), upload(1)], { ...LIMITS, files: 2 })).toHaveLength(2)
  })
  it('spread the bytes sent over their files in order', () => {
    const batch = [upload(10), upload(0), upload(20)]
    spread(batch, 20)
    expect(batch.map((u) => u.progress)).toEqual([1, 1, 0.5])
  })
})
