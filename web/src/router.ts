// One route a view, each loaded when first shown. The search view owns its URL (src/search/routes.ts).
import { createRouter, createWebHistory } from 'vue-router'
import { libraryRoutes } from './library/routes'
import { searchRoutes } from './search/routes'

declare module 'vue-router' {
  interface RouteMeta {
    title?: string
  }
}

export const router = createRouter({
  history: createWebHistory(new URL(document.baseURI).pathname),
  routes: [
    ...searchRoutes,
    { path: '/index', name: 'index', meta: { title: 'Index Image' }, component: () => import('./upload/UploadView.vue') },
    ...libraryRoutes,
    { path: '/settings', name: 'settings', meta: { title: 'Settings' }, component: () => import('./settings/SettingsView.vue') },
    { path: '/:rest(.*)*', name: 'lost', meta: { title: 'Not found' }, component: () => import('./components/LostView.vue') },
  ],
})

router.afterEach((to) => {
  document.title = to.meta.title ? `${to.meta.title} · eyeshine` : 'eyeshine'
})
