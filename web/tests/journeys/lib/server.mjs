// Real servers on scratch libraries below one temporary folder.
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const UNTIL = 15000

export class Scratch {
  constructor(root) {
    this.root = root
    this.program = process.env.EYESHINE_PROGRAM ?? join(root, 'build/eyeshine')
    this.dir = mkdtempSync(join(tmpdir(), 'eyeshine-journeys-'))
  }

  folder(name) {
    const dir = join(this.dir, name)
    mkdirSync(dir, { recursive: true })
    return dir
  }

  /** The sample pictures are indexed once, then copied. */
  library(name, kind) {
    const dir = join(this.dir, `library-${name}`)
    if (kind === 'empty') return dir
    const filled = join(this.dir, 'samples')
    if (!existsSync(filled)) execFileSync(this.program, ['--library', filled, 'index', join(this.root, 'samples')], { stdio: 'pipe' })
    cpSync(filled, dir, { recursive: true })
    return dir
  }

  async server(name, kind, args) {
    const server = new Server(this, this.library(name, kind), args)
    await server.start()
    return server
  }

  remove() {
    rmSync(this.dir, { recursive: true, force: true })
  }
}

class Server {
  constructor({ program, root }, library, args) {
    Object.assign(this, { program, root, library, args, listen: '127.0.0.1:0', url: '', log: '' })
  }

  async start() {
    this.process = spawn(this.program, ['--library', this.library, 'serve', '--listen', this.listen, ...this.args], { cwd: this.root, stdio: ['ignore', 'pipe', 'pipe'] })
    let gone = false
    this.process.on('exit', () => (gone = true))
    for (const stream of [this.process.stdout, this.process.stderr]) stream.setEncoding('utf8').on('data', (text) => (this.log += text))
    this.log = ''
    const end = Date.now() + UNTIL
    for (;;) {
      const found = /https?:\/\/[^\s]+/.exec(this.log)
      if (found && /\n/.test(this.log.slice(found.index))) {
        this.url = found[0].endsWith('/') ? found[0] : `${found[0]}/`
        break
      }
      if (gone || Date.now() > end) throw new Error(`eyeshine serve did not start: ${this.log}`)
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
    this.listen = new URL(this.url).host // the same port next time
  }

  async stop(signal = 'SIGTERM') {
    const p = this.process
    if (!p || p.exitCode !== null || p.signalCode) return
    const kill = setTimeout(() => p.kill('SIGKILL'), UNTIL)
    p.kill(signal)
    await once(p, 'exit')
    clearTimeout(kill)
  }
}
