// The URLs of Image Search.
import type { RouteRecordRaw } from 'vue-router'

export const searchRoutes: RouteRecordRaw[] = [
  { path: '/', name: 'search', meta: { title: 'Image Search' }, component: () => import('./SearchView.vue') },
]
