// The URLs of the Library: what it holds, its folders, its duplicates.
import type { RouteRecordRaw } from 'vue-router'

export const libraryRoutes: RouteRecordRaw[] = [
  {
    path: '/library',
    component: () => import('./LibraryView.vue'),
    children: [
      { path: '', name: 'library', meta: { title: 'Library' }, component: () => import('./OverviewView.vue') },
      { path: 'folders', name: 'folders', meta: { title: 'Folders' }, component: () => import('../upload/FolderSection.vue') },
      { path: 'duplicates', name: 'duplicates', meta: { title: 'Duplicates' }, component: () => import('./DuplicatesView.vue') },
    ],
  },
]
