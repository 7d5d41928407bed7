import { describe, expect, it } from 'vitest'
import { ApiError } from '@/api/client'
import { Asker, type Sender } from '@/search/ask'
import type { SearchAnswer, SearchBody } from '@/search/types'

const answer = (terms: SearchAnswer['terms']): SearchAnswer => ({ hits: [], next: null, total: 0, took_ms: 1, relevant_count: 0, terms })

function server() {
  const asked: SearchBody[] = []
  const known = new Set<string>()
  let n = 0
  const sender: Sender = {
    json: async (body) => {
      asked.push(body)
      for (const t of body.terms) if (t.upload && !known.has(t.upload)) throw new ApiError('gone', 404, 'notfound')
      return answer(body.terms.map((t) => (t.url ? { ...t, upload: [...known.add('u' + t.url)].at(-1)! } : t)))
    },
    form: async (form) => {
      expect(JSON.parse(form.get('query') as string).terms[0].upload).toBe('picture')
      expect((form.get('picture') as File).size).toBeGreaterThan(0)
      const token = `t${++n}`
      known.add(token)
      return answer([{ upload: token, weight: 1 }])
    },
  }
  return { asker: new Asker(sender), asked, known }
}
const body = (terms: SearchBody['terms'], cursor?: string): SearchBody => ({ terms, limit: 2, ...(cursor ? { cursor } : {}) })

describe('ask', () => {
  it('lays a picture down and asks by its token', async () => {
    const { asker, asked } = server()
    const file = new File(['x'], 'a.jpg')
    const token = await asker.upload(file)
    expect(asker.fileOf(token)).toBe(file)
    await asker.ask(body([{ upload: token, weight: -1 }]))
    expect(asked[0]!.terms).toEqual([{ upload: 't1', weight: -1 }])
  })

  it('sends the picture again when the server forgot it, under the old token', async () => {
    const { asker, asked, known } = server()
    const token = await asker.upload(new File(['x'], 'a.jpg'))
    known.clear()
    await asker.ask(body([{ upload: token, weight: 1 }]))
    expect(asked.map((b) => b.terms[0]!.upload)).toEqual(['t1', 't2'])
    await asker.ask(body([{ upload: token, weight: 1 }]))
    expect(asked.at(-1)!.terms[0]!.upload).toBe('t2')
  })

  it('says so when it has no file to send again', async () => {
    const { asker, asked } = server()
    await expect(asker.ask(body([{ upload: 'old', weight: 1 }]))).rejects.toMatchObject({ status: 404 })
    expect(asked).toHaveLength(1)
  })

  it('pages on a fetched picture without fetching it again, and fetches again when it was forgotten', async () => {
    const { asker, asked, known } = server()
    const terms = [{ url: 'https://a/b.jpg', weight: 2 }]
    await asker.ask(body(terms))
    await asker.ask(body(terms, 'c1'))
    expect(asked[1]!.terms).toEqual([{ upload: 'uhttps://a/b.jpg', weight: 2 }])
    known.clear()
    await asker.ask(body(terms, 'c2'))
    expect(asked.at(-1)!.terms).toEqual(terms)
  })
})
