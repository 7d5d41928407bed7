// types.ts - what the API takes and gives for a search.
import type { Hit as ApiHit } from '@/api/types'

export type { Reading } from '@/api/types'

/** A result of a search always says how well it fits; one of a browse has score 0. */
export type Hit = Required<ApiHit>

/** A term as the API takes it: exactly one of words, like, url, upload. */
export interface ApiTerm {
  words?: string
  like?: number
  url?: string
  upload?: string
  weight: number
}

export interface SearchBody {
  terms: ApiTerm[]
  /** Filters in the grammar of docs/QUERY.md. */
  line?: string
  filter?: Filter
  limit?: number
  cursor?: string
  min_score?: number
}

export interface SearchAnswer {
  hits: Hit[]
  next: string | null
  total: number
  took_ms: number
  relevant_count: number
  terms: Partial<ApiTerm>[]
}

export type Orientation = 'landscape' | 'portrait' | 'square'

/** Names are the API's. What is not set lets everything pass. */
export interface Filter {
  path?: string
  /** Words, all of them parts of the file's own name. */
  name?: string
  root?: number
  format?: string
  camera?: string
  taken_from?: string
  taken_to?: string
  added_from?: string
  added_to?: string
  min_width?: number
  min_height?: number
  min_megapixels?: number
  max_megapixels?: number
  orientation?: Orientation
  gps?: boolean
}
