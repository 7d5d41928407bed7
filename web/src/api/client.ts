// The only door to the server: typed JSON over fetch, below whatever base path the page came from.
//
// Errors are ApiError with a sentence to show (`message`), taken from problem+json. A key, when the server asks for one,
// is kept here and sent as a Bearer token; <img>, downloads and EventSource use the cookie that POST /session sets.
import type { Session, UploadAnswer } from './types'

const KEY = 'eyeshine.key'

export class ApiError extends Error {
  constructor(
    message: string,
    readonly status: number, // 0: the server could not be reached
    readonly code?: string,
    readonly retryAfter?: number, // seconds
    readonly place?: { at: number; len: number }, // of what is wrong in a query line, in characters
  ) {
    super(message)
    this.name = 'ApiError'
  }
}

export const isAbort = (e: unknown): boolean => e instanceof DOMException && e.name === 'AbortError'

/** What to tell a person about any error. */
export const sentence = (e: unknown): string => (e instanceof Error ? e.message : String(e))

type Value = string | number | boolean | null | undefined
export type Query = Record<string, Value | Value[]>

export interface Options {
  query?: Query
  body?: unknown // FormData goes as it is, everything else as JSON
  signal?: AbortSignal
}

export function apiUrl(path: string, query: Query = {}): string {
  const url = new URL(`api/v1${path}`, document.baseURI)
  for (const [name, value] of Object.entries(query))
    for (const v of Array.isArray(value) ? value : [value])
      if (v !== null && v !== undefined && v !== '') url.searchParams.append(name, String(v))
  return url.href
}

export const thumbnailUrl = (id: number, size: number, hash?: string): string =>
  apiUrl(`/images/${id}/thumbnail`, { size, v: hash?.slice(0, 12) })

export const originalUrl = (id: number, download = false): string =>
  apiUrl(`/images/${id}/original`, { download: download ? 1 : undefined })

// ---- the key ----
let key: string | null = null
let onUnauthorized: () => void = () => {}

export function loadKey(): void {
  key = sessionStorage.getItem(KEY) ?? localStorage.getItem(KEY)
}
export function keepKey(value: string | null, remember = false): void {
  key = value
  sessionStorage.removeItem(KEY)
  localStorage.removeItem(KEY)
  if (value) (remember ? localStorage : sessionStorage).setItem(KEY, value)
}
export const hasKey = (): boolean => key !== null
export function whenUnauthorized(callback: () => void): void {
  onUnauthorized = callback
}

const headers = (): Record<string, string> => (key ? { Authorization: `Bearer ${key}` } : {})

// ---- requests ----
const UNREACHABLE = 'The server does not answer. Is eyeshine still running?'

export function problem(status: number, body: string, retryAfter: string | null): ApiError {
  let detail = ''
  let code: string | undefined
  let place: ApiError['place']
  try {
    const p = JSON.parse(body) as { detail?: string; title?: string; code?: string; at?: number; len?: number }
    detail = p.detail || p.title || ''
    code = p.code
    if (p.at !== undefined && p.len !== undefined) place = { at: p.at, len: p.len }
  } catch {
    // not JSON: a proxy's own error page
  }
  const wait = Number(retryAfter)
  return new ApiError(detail || `The server answered with status ${status}.`, status, code, wait > 0 ? wait : undefined, place)
}

export async function request<T>(method: string, path: string, options: Options = {}): Promise<T> {
  const form = options.body instanceof FormData
  let response: Response
  try {
    response = await fetch(apiUrl(path, options.query), {
      method,
      headers: { Accept: 'application/json', ...headers(), ...(options.body !== undefined && !form ? { 'Content-Type': 'application/json' } : {}) },
      body: options.body === undefined ? undefined : form ? (options.body as FormData) : JSON.stringify(options.body),
      signal: options.signal,
      credentials: 'same-origin',
    })
  } catch (e) {
    if (isAbort(e)) throw e
    throw new ApiError(UNREACHABLE, 0)
  }
  const text = await response.text()
  if (!response.ok) {
    if (response.status === 401) onUnauthorized()
    throw problem(response.status, text, response.headers.get('Retry-After'))
  }
  return (text ? JSON.parse(text) : undefined) as T
}

export const get = <T>(path: string, query?: Query, signal?: AbortSignal): Promise<T> => request<T>('GET', path, { query, signal })
export const post = <T>(path: string, body?: unknown, signal?: AbortSignal): Promise<T> => request<T>('POST', path, { body, signal })
export const put = <T>(path: string, body: unknown): Promise<T> => request<T>('PUT', path, { body })
export const del = (path: string): Promise<void> => request<void>('DELETE', path)

/** fetch can't tell how much of a body has left; XMLHttpRequest can. */
export function upload(job: number, form: FormData, onProgress: (sent: number, total: number) => void, signal: AbortSignal): Promise<UploadAnswer> {
  return new Promise((resolve, reject) => {
    const xhr = new XMLHttpRequest()
    const abort = (): void => xhr.abort()
    const end = (): void => signal.removeEventListener('abort', abort)
    xhr.open('POST', apiUrl('/images', { job }))
    for (const [name, value] of Object.entries(headers())) xhr.setRequestHeader(name, value)
    xhr.upload.onprogress = (e) => onProgress(e.loaded, e.total)
    xhr.onload = () => {
      end()
      if (xhr.status === 401) onUnauthorized()
      if (xhr.status >= 200 && xhr.status < 300) resolve(JSON.parse(xhr.responseText) as UploadAnswer)
      else reject(problem(xhr.status, xhr.responseText, xhr.getResponseHeader('Retry-After')))
    }
    xhr.onerror = () => (end(), reject(new ApiError(UNREACHABLE, 0)))
    xhr.onabort = () => (end(), reject(new DOMException('cancelled', 'AbortError')))
    signal.addEventListener('abort', abort)
    if (signal.aborted) abort()
    else xhr.send(form)
  })
}

// ---- the session ----
export async function openSession(): Promise<Session> {
  loadKey()
  const session = await get<Session>('/session')
  if (key && session.scope === null) keepKey(null)
  return session
}

export async function login(secret: string, remember: boolean): Promise<Session> {
  keepKey(null)
  await post('/session', { key: secret })
  keepKey(secret, remember)
  return get<Session>('/session')
}

export async function logout(): Promise<void> {
  await del('/session').catch(() => undefined)
  keepKey(null)
}
