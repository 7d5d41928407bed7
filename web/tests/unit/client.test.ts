import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { ApiError, apiUrl, get, isAbort, keepKey, login, openSession, post, problem, thumbnailUrl, whenUnauthorized } from '@/api/client'

const storage = (): Storage => {
  const map = new Map<string, string>()
  return { getItem: (k: string) => map.get(k) ?? null, setItem: (k: string, v: string) => void map.set(k, v), removeItem: (k: string) => void map.delete(k) } as unknown as Storage
}
const answer = (body: unknown, status = 200, headers: Record<string, string> = {}): Response =>
  new Response(status === 204 ? null : JSON.stringify(body), { status, headers })
const fetched = vi.fn<(url: string, init: RequestInit) => Promise<Response>>()

beforeEach(() => {
  vi.stubGlobal('document', { baseURI: 'http://here/photos/' })
  vi.stubGlobal('localStorage', storage())
  vi.stubGlobal('sessionStorage', storage())
  vi.stubGlobal('fetch', fetched)
  fetched.mockReset()
  keepKey(null)
  whenUnauthorized(() => {})
})
afterEach(() => vi.unstubAllGlobals())

describe('addresses', () => {
  it('lie below the base path', () => {
    expect(apiUrl('/jobs/3')).toBe('http://here/photos/api/v1/jobs/3')
    expect(thumbnailUrl(7, 256, 'abcdef0123456789')).toBe('http://here/photos/api/v1/images/7/thumbnail?size=256&v=abcdef012345')
  })
  it('repeat lists and leave out what is empty', () => {
    expect(apiUrl('/search', { q: ['a b', 'c'], minus: undefined, path: '', limit: 0 })).toBe('http://here/photos/api/v1/search?q=a+b&q=c&limit=0')
  })
})

describe('requests', () => {
  it('send JSON, read JSON, and take an empty answer', async () => {
    fetched.mockResolvedValueOnce(answer({ id: 1 }, 201)).mockResolvedValueOnce(answer(null, 204))
    expect(await post('/jobs', { kind: 'retry' })).toEqual({ id: 1 })
    const [, init] = fetched.mock.calls[0]!
    expect(init).toMatchObject({ method: 'POST', body: '{"kind":"retry"}', headers: { 'Content-Type': 'application/json' } })
    expect(await get('/nothing')).toBeUndefined()
  })

  it('turn a problem into a sentence, with its code and pause', async () => {
    fetched.mockResolvedValue(answer({ title: 'Too many', detail: 'Wait a little.', code: 'busy' }, 429, { 'Retry-After': '3' }))
    const e = await get('/x').catch((x: unknown) => x)
    expect(e).toBeInstanceOf(ApiError)
    expect(e).toMatchObject({ message: 'Wait a little.', status: 429, code: 'busy', retryAfter: 3 })
  })

  it('know a proxy\'s page and a server that is gone', async () => {
    expect(problem(502, '<html>', null)).toMatchObject({ status: 502, message: 'The server answered with status 502.' })
    fetched.mockRejectedValue(new TypeError('Failed to fetch'))
    expect(await get('/x').catch((x: unknown) => x)).toMatchObject({ status: 0 })
  })

  it('let an abort through as it is', async () => {
    fetched.mockRejectedValue(new DOMException('stop', 'AbortError'))
    expect(isAbort(await get('/x').catch((x: unknown) => x))).toBe(true)
  })
})

describe('the key', () => {
  it('is sent with every request once the server took it, and kept as long as asked', async () => {
    fetched.mockImplementation(() => Promise.resolve(answer({ scope: 'write', key_required: true, loopback: false })))
    await login('eye_x', false)
    expect(fetched.mock.calls[0]![1]).toMatchObject({ method: 'POST', body: '{"key":"eye_x"}' })
    expect(fetched.mock.calls[1]![1].headers).toMatchObject({ Authorization: 'Bearer eye_x' })
    expect([sessionStorage.getItem('eyeshine.key'), localStorage.getItem('eyeshine.key')]).toEqual(['eye_x', null])
    await login('eye_y', true)
    expect([sessionStorage.getItem('eyeshine.key'), localStorage.getItem('eyeshine.key')]).toEqual([null, 'eye_y'])
  })

  it('is not kept when it is wrong, and forgotten when it is no longer known', async () => {
    fetched.mockResolvedValueOnce(answer({ detail: 'No such key.' }, 401))
    await expect(login('eye_bad', true)).rejects.toThrow('No such key.')
    expect(localStorage.getItem('eyeshine.key')).toBe(null)
    localStorage.setItem('eyeshine.key', 'eye_old')
    fetched.mockResolvedValueOnce(answer({ scope: null, key_required: true, loopback: false }))
    await openSession()
    expect(localStorage.getItem('eyeshine.key')).toBe(null)
  })

  it('tells when the server stops taking it', async () => {
    const asked = vi.fn()
    whenUnauthorized(asked)
    fetched.mockResolvedValue(answer({ detail: 'A key is needed.' }, 401))
    await get('/status').catch(() => undefined)
    expect(asked).toHaveBeenCalledTimes(1)
  })
})
