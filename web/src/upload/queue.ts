// The upload queue: files go in batches, three in flight, to one job of the server, which indexes them as they come.
//
// Nothing is lost and nothing sent twice when the server goes away in between: a batch whose answer was lost is compared with
// the job's items first (track.ts). Files that come while a job is open join it; later ones get a job of their own.
import { reactive, shallowReactive, shallowRef } from 'vue'
import { ApiError, isAbort, sentence } from '@/api/client'
import type { Item, Items, Job, UploadAnswer } from '@/api/types'
import { nextBatch, spread, type Limits } from './batch'
import type { Picked } from './entries'
import { Track } from './track'

export type UploadState = 'waiting' | 'sending' | 'sent' | 'indexed' | 'duplicate' | 'failed' | 'cancelled'

export interface Upload {
  key: number
  name: string
  size: number
  file: File | null // null: the server's own item, from a zip
  state: UploadState
  progress: number // 0..1 while sending
  job: number
  seq: number // 0: not at the server yet
  picture: number | null
  reason: string
  code: string
}

export interface Io {
  limits(): Limits
  open(title: string): Promise<Job>
  send(job: number, batch: Upload[], onProgress: (sent: number) => void, signal: AbortSignal): Promise<UploadAnswer>
  items(job: number, after: number): Promise<Items>
  close(job: number): Promise<unknown>
  cancel(job: number): Promise<unknown>
  pause(ms: number, signal: AbortSignal): Promise<void>
}

const IN_FLIGHT = 3
const LONGEST_PAUSE = 10000
const PATIENCE = 3 // lost answers while the server is well, before a file itself is blamed
const isFinal = (s: UploadState): boolean => s === 'indexed' || s === 'duplicate' || s === 'failed' || s === 'cancelled'
const comesBack = (e: unknown): e is ApiError => e instanceof ApiError && [0, 408, 429, 502, 503, 504].includes(e.status)

export class Queue {
  readonly rows = shallowRef<Upload[]>([])
  readonly counts = reactive({ waiting: 0, sending: 0, sent: 0, indexed: 0, duplicate: 0, failed: 0, cancelled: 0 })
  readonly state = reactive({ jobs: [] as number[], away: false, left: 0 })
  private waiting: Upload[] = []
  private flying = 0
  private opening: Promise<number> | null = null
  private current = 0 // the job that takes files
  private stopper = new AbortController()
  private keys = 0
  private tracks = new Map<number, Track>()

  constructor(private readonly io: Io) {}

  get busy(): boolean {
    return this.counts.waiting + this.counts.sending > 0
  }

  add(picked: Picked[], left = 0): void {
    this.state.left += left
    const fresh = picked.map(({ file, name }) => this.row(name, file.size, file))
    this.rows.value = [...this.rows.value, ...fresh]
    const most = this.io.limits().upload_bytes
    for (const upload of fresh) {
      if (most && upload.size > most) this.fail(upload, 'It is larger than this server takes at once.', 'limit')
      else this.waiting.push(upload)
    }
    this.pump()
  }

  retry(uploads: Upload[]): void {
    for (const upload of uploads.filter((u) => u.file && (u.state === 'failed' || u.state === 'cancelled'))) {
      this.tracks.get(upload.job)?.disown(upload)
      Object.assign(upload, { job: 0, seq: 0, reason: '', code: '', progress: 0, picture: null })
      this.set(upload, 'waiting')
      this.waiting.push(upload)
    }
    this.pump()
  }

  /** Takes finished files off the list. */
  clear(): void {
    const gone = this.rows.value.filter((u) => isFinal(u.state))
    for (const upload of gone) this.counts[upload.state]--
    this.rows.value = this.rows.value.filter((u) => !isFinal(u.state))
    this.state.left = 0
  }

  async cancel(): Promise<void> {
    this.stopper.abort()
    this.stopper = new AbortController()
    this.waiting = []
    for (const upload of this.rows.value) if (!isFinal(upload.state)) this.set(upload, 'cancelled')
    const jobs = this.state.jobs.filter((job) => this.rows.value.some((u) => u.job === job && u.state === 'cancelled') || this.current === job)
    this.opening = null
    this.current = 0
    await Promise.all(jobs.map((job) => this.io.cancel(job)))
  }

  /** Call when a job has changed: reads what became of its files. */
  async refresh(job: number): Promise<void> {
    const track = this.tracks.get(job)
    if (!track) return
    await track.refresh()
    if (this.current !== job) this.adopt(track)
  }

  // ---- sending ----
  private pump(): void {
    while (this.flying < IN_FLIGHT && this.waiting.length) {
      const batch = nextBatch(this.waiting, this.io.limits())
      const { signal } = this.stopper
      for (const upload of batch) this.set(upload, 'sending')
      this.flying++
      void this.deliver(batch, signal).finally(() => {
        this.flying--
        this.pump()
      })
    }
    if (!this.flying && !this.waiting.length && this.opening) void this.finish()
  }

  private async finish(): Promise<void> {
    const job = this.current
    this.opening = null // what is added from now on goes to a new job
    this.current = 0
    try {
      await this.patiently(() => this.io.close(job), this.stopper.signal)
    } catch {
      // it was cancelled or closed by somebody else
    }
    await this.refresh(job).catch(() => undefined)
  }

  /** One batch, until the server has it or a file is to blame. */
  private async deliver(batch: Upload[], signal: AbortSignal): Promise<void> {
    let lost = 0
    let renewed = 0
    for (let pause = 500; batch.length; pause = Math.min(pause * 2, LONGEST_PAUSE)) {
      let job = 0
      try {
        job = await this.job(signal)
        const answer = await this.io.send(job, batch, (sent) => spread(batch, sent), signal)
        this.state.away = false
        return this.acknowledge(job, batch, answer.items)
      } catch (e) {
        if (isAbort(e) || signal.aborted) return
        if (comesBack(e)) {
          this.state.away = true
          await this.io.pause(Math.max(pause, (e.retryAfter ?? 0) * 1000), signal).catch(() => undefined)
          if (signal.aborted) return
          const here = job > 0 && (await this.compare(job, batch))
          if (here) this.state.away = false
          if (here && e.status === 0 && ++lost >= PATIENCE) return this.blame(batch, signal, 'The browser could not read or send it. Was it moved or changed?')
        } else if (e instanceof ApiError && (e.status === 404 || e.status === 409) && job && renewed++ < 2) {
          if (this.current === job) this.opening = null
        } else return this.blame(batch, signal, sentence(e), e instanceof ApiError ? e.code : undefined)
      }
    }
  }

  /** A request that can't go through: one file may be the reason, so each goes alone. */
  private async blame(batch: Upload[], signal: AbortSignal, reason: string, code = 'io'): Promise<void> {
    if (batch.length === 1) return this.fail(batch[0]!, reason, code)
    for (const upload of batch) await this.deliver([upload], signal)
  }

  private job(signal: AbortSignal): Promise<number> {
    this.opening ??= this.patiently(async () => {
      const first = this.rows.value.find((u) => u.state === 'sending')?.name ?? ''
      const job = await this.io.open(first.includes('/') ? first.split('/')[0]! : '')
      this.current = job.id
      this.state.jobs.push(job.id)
      this.tracks.set(job.id, new Track(job.id, this.io.items, (upload, item) => this.apply(upload, item), (upload) => this.drop(upload)))
      return job.id
    }, signal).catch((e: unknown) => {
      this.opening = null
      throw e
    })
    return this.opening
  }

  private async patiently<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T> {
    for (let pause = 500; ; pause = Math.min(pause * 2, LONGEST_PAUSE)) {
      try {
        const result = await work()
        this.state.away = false
        return result
      } catch (e) {
        if (!comesBack(e) || signal.aborted) throw e
        this.state.away = true
        await this.io.pause(Math.max(pause, (e.retryAfter ?? 0) * 1000), signal)
      }
    }
  }

  private acknowledge(job: number, batch: Upload[], items: UploadAnswer['items']): void {
    // The answer may hold items of requests that came in between, and the server may have written a name in its own way.
    const track = this.tracks.get(job)!
    const open = [...batch]
    const own = (upload: Upload, item: UploadAnswer['items'][number]): void => {
      open.splice(open.indexOf(upload), 1)
      track.own(upload, { ...item, picture: null, bytes: upload.size, code: '' })
    }
    const others = items.filter((item) => {
      const upload = track.owns(item.seq) ? undefined : open.find((u) => u.name === item.name)
      if (upload) own(upload, item)
      return !upload && !track.owns(item.seq)
    })
    if (others.length === open.length) for (const item of others) own(open[0]!, item)
    for (const upload of open) this.fail(upload, 'The server did not say what became of it.', 'io')
  }

  /** After a lost answer: takes what the server has got after all out of the batch. False: it can't be asked. */
  private async compare(job: number, batch: Upload[]): Promise<boolean> {
    const track = this.tracks.get(job)!
    try {
      await track.refresh()
    } catch {
      return false
    }
    for (const upload of [...batch]) {
      const twin = track.twin(upload.name, upload.size)
      if (!twin) continue
      batch.splice(batch.indexOf(upload), 1)
      track.own(upload, twin)
    }
    return true
  }

  // ---- what became of them ----
  private adopt(track: Track): void {
    const items = track.orphans()
    if (!items.length) return
    const fresh = items.map((item) => {
      const upload = this.row(item.name, item.bytes, null)
      track.own(upload, item)
      return upload
    })
    this.rows.value = [...this.rows.value, ...fresh]
  }

  private drop(upload: Upload): void {
    this.counts[upload.state]--
    this.rows.value = this.rows.value.filter((u) => u !== upload)
  }

  private apply(upload: Upload, item: Item): void {
    if (isFinal(upload.state)) return
    upload.progress = 1
    upload.picture = item.picture
    upload.reason = item.reason
    upload.code = item.code
    this.set(upload, item.state === 'waiting' ? 'sent' : item.state)
  }

  private row(name: string, size: number, file: File | null): Upload {
    this.counts.waiting++
    return shallowReactive<Upload>({ key: ++this.keys, name, size, file, state: 'waiting', progress: 0, job: 0, seq: 0, picture: null, reason: '', code: '' })
  }

  private fail(upload: Upload, reason: string, code: string): void {
    Object.assign(upload, { reason, code })
    this.set(upload, 'failed')
  }

  private set(upload: Upload, state: UploadState): void {
    this.counts[upload.state]--
    this.counts[state]++
    upload.state = state
    if (state === 'indexed' || state === 'duplicate') upload.file = null
  }
}
