// embed.mjs DIST OUT - lay the built page into C: OUT/assets.c has the table of src/api/assets.h, its bytes come by .incbin.
//
// OUT is relative to the project, where the compiler runs: the paths in assets.c are too, so a source release can carry them.
// Each file is kept raw, as gzip and as brotli (the last two only when smaller), so the server never compresses.
import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { extname, join, relative } from 'node:path'
import { brotliCompressSync, constants, gzipSync } from 'node:zlib'

const [dist, out] = process.argv.slice(2)
const types = {
  '.html': 'text/html; charset=utf-8', '.js': 'text/javascript; charset=utf-8', '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml', '.png': 'image/png', '.webp': 'image/webp', '.ico': 'image/x-icon', '.json': 'application/json',
  '.webmanifest': 'application/manifest+json', '.txt': 'text/plain; charset=utf-8', '.woff2': 'font/woff2',
}

function* walk(dir) {
  for (const e of readdirSync(dir, { withFileTypes: true }))
    if (e.isDirectory()) yield* walk(join(dir, e.name))
    else yield join(dir, e.name)
}

const files = [...walk(dist)].map((file) => ({ file, path: '/' + relative(dist, file) }))
files.sort((a, b) => (a.path < b.path ? -1 : 1))
rmSync(join(out, 'bytes'), { recursive: true, force: true })
mkdirSync(join(out, 'bytes'), { recursive: true })

let externs = ''
let rows = ''
files.forEach(({ file, path }, i) => {
  const raw = readFileSync(file)
  const forms = {
    raw,
    gzip: gzipSync(raw, { level: 9 }),
    brotli: brotliCompressSync(raw, { params: { [constants.BROTLI_PARAM_SIZE_HINT]: raw.length } }),
  }
  const cells = []
  for (const [form, bytes] of Object.entries(forms)) {
    if (form !== 'raw' && bytes.length >= raw.length) {
      cells.push('0', '0')
      continue
    }
    const name = `web_${i}_${form}`
    const at = join(out, 'bytes', name)
    writeFileSync(at, bytes)
    externs += `__asm__(".section .rodata\\n.balign 16\\n${name}:\\n.incbin \\"${at}\\"\\n.byte 0\\n.previous");\n` +
      `extern const unsigned char ${name}[] __attribute__((visibility("hidden")));\n`
    cells.push(name, String(bytes.length))
  }
  const [r, rl, g, gl, b, bl] = cells
  const type = types[extname(file)] ?? 'application/octet-stream'
  const etag = createHash('sha256').update(raw).digest('hex').slice(0, 32)
  rows += `    {"${path}", "${type}", "${etag}", ${/-[\w-]{8,}\.\w+$/.test(path)}, ${r}, ${g}, ${b}, ${rl}, ${gl}, ${bl}},\n`
})
writeFileSync(join(out, 'assets.c'),
  `/* Made by web/embed.mjs. */\n#include "api/assets.h"\n${externs}const struct asset web_assets[] = {\n${rows}};\nconst size_t web_nassets = ${files.length};\n`)
