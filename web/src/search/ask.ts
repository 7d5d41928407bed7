// ask.ts - sends a query and keeps alive what the server only remembers for a while.
//
// The server forgets an uploaded picture after half an hour. While the page still has the file it is sent again without a word;
// the token in the address stays, an alias leads to the new one. A picture fetched from an address comes back with a token
// too, so that further pages don't fetch it again.
import { ApiError, post, request } from '@/api/client'
import type { ApiTerm, SearchAnswer, SearchBody } from './types'

export interface Sender {
  json: (body: SearchBody, signal?: AbortSignal) => Promise<SearchAnswer>
  form: (form: FormData, signal?: AbortSignal) => Promise<SearchAnswer>
}

const overHttp: Sender = {
  json: (body, signal) => post<SearchAnswer>('/search', body, signal),
  form: (body, signal) => request<SearchAnswer>('POST', '/search', { body, signal }),
}

export class Asker {
  private readonly files = new Map<string, File>()
  private readonly alias = new Map<string, string>()
  private readonly fetched = new Map<string, string>()

  constructor(private readonly send: Sender = overHttp) {}

  /** Lay a picture down at the server; the token stands for it in queries. */
  async upload(file: File, signal?: AbortSignal): Promise<string> {
    const token = await this.lay(file, signal)
    this.files.set(token, file)
    return token
  }

  /** The picture behind a token, if it came from this page. */
  fileOf = (token: string): File | undefined => this.files.get(token)

  async ask(body: SearchBody, signal?: AbortSignal): Promise<SearchAnswer> {
    let answer: SearchAnswer
    try {
      answer = await this.send.json(this.resolved(body), signal)
    } catch (e) {
      if (!(e instanceof ApiError && e.status === 404) || !(await this.renew(body, signal))) throw e
      answer = await this.send.json(this.resolved(body), signal)
    }
    for (const t of answer.terms) if (t.url && t.upload) this.fetched.set(t.url, t.upload)
    return answer
  }

  private async lay(file: File, signal?: AbortSignal): Promise<string> {
    const form = new FormData()
    form.append('query', JSON.stringify({ terms: [{ upload: 'picture', weight: 1 }], limit: 1 } satisfies SearchBody))
    form.append('picture', file, file.name || 'picture')
    const answer = await this.send.form(form, signal)
    const token = answer.terms.find((t) => t.upload)?.upload
    if (!token) throw new Error('The server did not take the picture.')
    return token
  }

  private resolved(body: SearchBody): SearchBody {
    return { ...body, terms: body.terms.map((t) => this.term(t, body.cursor !== undefined)) }
  }

  private term(t: ApiTerm, paging: boolean): ApiTerm {
    if (t.upload) return { ...t, upload: this.alias.get(t.upload) ?? t.upload }
    const token = t.url && paging ? this.fetched.get(t.url) : undefined
    return token ? { upload: token, weight: t.weight } : t
  }

  /** Something is no longer known: send what we have again. False: there is nothing that could help. */
  private async renew(body: SearchBody, signal?: AbortSignal): Promise<boolean> {
    let helped = false
    for (const t of body.terms) {
      if (t.url) helped = this.fetched.delete(t.url) || helped
      const file = t.upload ? this.files.get(t.upload) : undefined
      if (!t.upload || !file) continue
      this.alias.set(t.upload, await this.lay(file, signal))
      helped = true
    }
    return helped
  }
}

export const asker = new Asker()
