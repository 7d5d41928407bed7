// The page must work below any base path: built URLs are relative (base './') and index.html carries the <base>.
// The server's CSP allows no inline script or style, so nothing is inlined.
import { fileURLToPath } from 'node:url'
import vue from '@vitejs/plugin-vue'
import { defineConfig } from 'vitest/config'

export default defineConfig({
  base: './',
  plugins: [vue()],
  resolve: { alias: { '@': fileURLToPath(new URL('./src', import.meta.url)) } },
  define: { __VUE_OPTIONS_API__: 'false' },
  build: {
    target: 'es2022',
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
  },
  // `npm run dev` shows the page of a running server: EYESHINE=http://127.0.0.1:8000 npm run dev
  server: { proxy: { '/api': process.env.EYESHINE ?? 'http://127.0.0.1:8000' } },
  test: { include: ['tests/unit/**/*.test.ts'], environment: 'node' },
})
