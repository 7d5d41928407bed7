// Server-sent events: one connection for the whole page, shared by all that listen.
//
// The browser itself resumes after a lost connection (Last-Event-ID). When it gives up (the server said no, a proxy was in
// between) we open a new one after a growing pause; nothing can be resumed then, so listeners are told to fetch anew.
import { ref, type Ref } from 'vue'
import { apiUrl } from './client'
import type { Job } from './types'

export interface EventMap {
  job: Job
  library: { pictures: number; failures: number }
  roots: unknown // a root's state changed: which, the roots themselves tell
  refetch: null // what was known may be stale: fetch again
}
type Listener<K extends keyof EventMap> = (data: EventMap[K]) => void

export const FIRST_PAUSE = 1000
export const LONGEST_PAUSE = 20000

export class Events {
  /** False while the connection is being made again. */
  readonly connected: Ref<boolean> = ref(true)
  private source: EventSource | null = null
  private timer: ReturnType<typeof setTimeout> | undefined
  private pause = FIRST_PAUSE
  private boot = ''
  private lost = false
  private readonly listeners: { [K in keyof EventMap]: Set<Listener<K>> } = { job: new Set(), library: new Set(), roots: new Set(), refetch: new Set() }

  constructor(private readonly open: (url: string) => EventSource = (url) => new EventSource(url, { withCredentials: true })) {}

  on<K extends keyof EventMap>(name: K, listener: Listener<K>): () => void {
    this.listeners[name].add(listener)
    return () => this.listeners[name].delete(listener)
  }

  start(): void {
    this.stop()
    const source = this.open(apiUrl('/events'))
    this.source = source
    source.addEventListener('open', () => this.opened())
    source.addEventListener('hello', (e) => this.hello(parse<{ boot?: string | number }>(e)?.boot))
    source.addEventListener('job', (e) => this.tell('job', parse<Job>(e)))
    source.addEventListener('library', (e) => this.tell('library', parse<EventMap['library']>(e)))
    source.addEventListener('roots', () => this.tell('roots', true))
    source.addEventListener('reset', () => this.tell('refetch', null))
    source.addEventListener('error', () => this.failed(source))
  }

  stop(): void {
    clearTimeout(this.timer)
    this.source?.close()
    this.source = null
  }

  private opened(): void {
    this.connected.value = true
    this.pause = FIRST_PAUSE
    if (this.lost) this.tell('refetch', null)
    this.lost = false
  }

  /** Another boot: the server was started anew, whatever was missed can't be replayed. */
  private hello(boot: string | number | undefined): void {
    const now = String(boot ?? '')
    if (this.boot && this.boot !== now) this.tell('refetch', null)
    this.boot = now
  }

  private failed(source: EventSource): void {
    this.connected.value = false
    if (source.readyState !== 2 /* CLOSED */) return // the browser tries again by itself
    this.lost = true
    this.stop()
    this.timer = setTimeout(() => this.start(), this.pause)
    this.pause = Math.min(this.pause * 2, LONGEST_PAUSE)
  }

  private tell<K extends keyof EventMap>(name: K, data: EventMap[K] | undefined): void {
    if (data === undefined) return
    for (const listener of this.listeners[name]) listener(data)
  }
}

function parse<T>(e: Event): T | undefined {
  try {
    return JSON.parse((e as MessageEvent<string>).data) as T
  } catch {
    return undefined
  }
}

export const events = new Events()
