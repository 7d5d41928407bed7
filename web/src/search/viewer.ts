// viewer.ts - what the viewer needs from the view it is opened over: the pictures before and after, and where its actions lead.
import { computed, type ComputedRef, type InjectionKey, type Ref } from 'vue'
import type { Query } from './query'
import type { Hit } from './types'
import type { Search } from './useSearch'

/** What can be shown before the server has told all. */
export type Shown = Pick<Hit, 'id' | 'hash' | 'width' | 'height' | 'name' | 'offline'> & { format: string }

export interface ViewerHost {
  ids: ComputedRef<readonly number[]>
  /** How many there are, with those not loaded yet. */
  total: ComputedRef<number>
  /** A result of a search, with its score. */
  hit: (id: number) => Hit | null
  known: (id: number) => Shown | null
  query: Readonly<Ref<Query>>
  /** What the pictures answer. */
  asked: Readonly<Ref<Query>>
  edit: (q: Query) => void
  view: (id: number) => void
  closeView: () => void
  more: () => void
}

export const viewerKey: InjectionKey<ViewerHost> = Symbol('viewer')

export function searchViewer(search: Search): ViewerHost {
  const { query, asked, edit, view, closeView, more, hits, state } = search
  const hit = (id: number) => hits.value.find((h) => h.id === id) ?? null
  return {
    ids: computed(() => hits.value.map((h) => h.id)),
    total: computed(() => state.value?.results?.total ?? hits.value.length),
    hit, known: hit, query, asked, edit, view, closeView, more,
  }
}
