import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { Events, FIRST_PAUSE } from '@/api/events'

class FakeSource extends EventTarget {
  readyState = 0
  closed = false
  close(): void {
    this.closed = true
    this.readyState = 2
  }
  say(name: string, data?: unknown): void {
    this.dispatchEvent(Object.assign(new Event(name), { data: JSON.stringify(data) }))
  }
  fail(closed: boolean): void {
    this.readyState = closed ? 2 : 0
    this.dispatchEvent(new Event('error'))
  }
}

let sources: FakeSource[]
let events: Events
const now = (): FakeSource => sources.at(-1)!

beforeEach(() => {
  vi.useFakeTimers()
  vi.stubGlobal('document', { baseURI: 'http://here/photos/' })
  sources = []
  events = new Events((url) => {
    expect(url).toBe('http://here/photos/api/v1/events')
    sources.push(new FakeSource())
    return now() as unknown as EventSource
  })
  events.start()
})
afterEach(() => {
  events.stop()
  vi.useRealTimers()
  vi.unstubAllGlobals()
})

describe('events', () => {
  it('hands jobs and figures to who listens, until they stop', () => {
    const job = vi.fn()
    const library = vi.fn()
    const off = events.on('job', job)
    events.on('library', library)
    now().say('job', { id: 7 })
    now().say('library', { pictures: 3, failures: 0 })
    off()
    now().say('job', { id: 8 })
    expect(job.mock.calls).toEqual([[{ id: 7 }]])
    expect(library).toHaveBeenCalledWith({ pictures: 3, failures: 0 })
    const roots = vi.fn()
    events.on('roots', roots)
    now().say('roots', {})
    expect(roots).toHaveBeenCalledTimes(1)
  })

  it('lets the browser resume by itself', () => {
    now().say('open')
    now().fail(false)
    expect(events.connected.value).toBe(false)
    vi.advanceTimersByTime(60000)
    expect(sources).toHaveLength(1)
    now().say('open')
    expect(events.connected.value).toBe(true)
  })

  it('connects anew with growing pauses when the browser gave up, then asks for a fresh look', () => {
    const refetch = vi.fn()
    events.on('refetch', refetch)
    now().fail(true)
    vi.advanceTimersByTime(FIRST_PAUSE)
    expect(sources).toHaveLength(2)
    now().fail(true)
    vi.advanceTimersByTime(FIRST_PAUSE)
    expect(sources).toHaveLength(2)
    vi.advanceTimersByTime(FIRST_PAUSE)
    expect(sources).toHaveLength(3)
    expect(refetch).not.toHaveBeenCalled()
    now().say('open')
    expect(refetch).toHaveBeenCalledTimes(1)
  })

  it('asks for a fresh look when the server was started anew or has forgotten too much', () => {
    const refetch = vi.fn()
    events.on('refetch', refetch)
    now().say('hello', { boot: 'a' })
    now().say('hello', { boot: 'a' })
    expect(refetch).not.toHaveBeenCalled()
    now().say('hello', { boot: 'b' })
    expect(refetch).toHaveBeenCalledTimes(1)
    now().say('reset', {})
    expect(refetch).toHaveBeenCalledTimes(2)
  })

  it('is not upset by nonsense', () => {
    const job = vi.fn()
    events.on('job', job)
    now().dispatchEvent(Object.assign(new Event('job'), { data: '{' }))
    expect(job).not.toHaveBeenCalled()
  })
})
