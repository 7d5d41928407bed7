// trouble.ts - what went wrong, in words and with the way out.
import { ApiError, sentence } from '@/api/client'
import { capital } from '@/format'
import type { Query } from './query'

export interface Trouble {
  title: string
  text: string
  /** retry: ask again; forget: take the pictures out of the query that the server no longer has. */
  action: 'retry' | 'forget' | null
}

export function troubleOf(e: unknown, q: Query): Trouble {
  const status = e instanceof ApiError ? e.status : -1
  const uploads = q.terms.some((t) => t.kind === 'upload')
  if (status === 0)
    return { title: 'The server does not answer', text: 'Is eyeshine still running, and this device connected to it? Your search is kept.', action: 'retry' }
  if (e instanceof ApiError && e.place) return { title: 'This can’t be read as a search', text: capital(sentence(e)), action: null }
  if (status === 404 && uploads)
    return { title: 'The picture you searched by is no longer at hand', text: 'The server remembers such a picture for half an hour. Drop it here again, or go on without it.', action: 'forget' }
  if (status === 404 && q.terms.some((t) => t.kind === 'like'))
    return { title: 'A picture of this search is gone', text: 'It was removed from the library since. Take it out of the search and go on.', action: 'retry' }
  if (status === 429) return { title: 'A little slower, please', text: 'The server takes only so many searches a minute. Try again in a moment.', action: 'retry' }
  if (e instanceof ApiError && e.code === 'remote') return { title: 'That address could not be fetched', text: sentence(e), action: 'retry' }
  if (status >= 400 && status < 500) return { title: 'This can’t be searched', text: sentence(e), action: null }
  return { title: 'The search failed', text: sentence(e), action: 'retry' }
}
