// useGroupViewer.ts - the viewer over duplicates: its arrows go through the group; what leads to a search opens Image Search.
import { computed, type Ref } from 'vue'
import { useRoute, useRouter } from 'vue-router'
import type { DuplicateGroup } from '@/api/types'
import { emptyQuery } from '@/search/query'
import { encodeQuery } from '@/search/urlcodec'
import type { ViewerHost } from '@/search/viewer'
import { addressOf, type Wish } from './duplicates'

export function useGroupViewer(groups: Readonly<Ref<readonly DuplicateGroup[]>>, wish: Readonly<Ref<Wish>>) {
  const route = useRoute()
  const router = useRouter()
  const viewed = computed(() => {
    const text = route.query.view
    return typeof text === 'string' && /^[1-9]\d{0,14}$/.test(text) ? Number(text) : null
  })
  const group = computed(() => groups.value.find((g) => g.members.some((m) => m.id === viewed.value)))
  const ids = computed(() => [...new Set(group.value?.members.map((m) => m.id))])
  const nothing = computed(() => emptyQuery)

  const view = (id: number) => void router[viewed.value === null ? 'push' : 'replace']({ query: { ...addressOf(wish.value), view: id } })
  const host: ViewerHost = {
    ids,
    total: computed(() => ids.value.length),
    hit: () => null,
    known(id) {
      return group.value?.members.find((m) => m.id === id) ?? null
    },
    query: nothing,
    asked: nothing,
    edit: (q) => void router.push({ name: 'search', query: encodeQuery(q) }),
    view,
    closeView() {
      const here = router.resolve({ query: addressOf(wish.value) }).fullPath
      if ((history.state as { back?: string | null } | null)?.back === here) router.back()
      else void router.replace({ query: addressOf(wish.value) })
    },
    more: () => undefined,
  }
  return { viewed, host, open: view }
}
