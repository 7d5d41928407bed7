// The page's one upload queue, tied to the server; it lives on while other views are shown.
import { get, post, request, upload as send } from '@/api/client'
import { events } from '@/api/events'
import type { Items, Job } from '@/api/types'
import { learn } from '@/stores/jobs'
import { status } from '@/stores/status'
import { Queue, type Io } from './queue'

const ITEMS = 1000

const io: Io = {
  limits: () => status.value?.limits ?? { upload_bytes: 0, files: 0 },
  async open(title) {
    const job = await post<Job>('/jobs', { kind: 'upload', title: title.slice(0, 200) || undefined })
    learn(job)
    return job
  },
  async send(job, batch, onProgress, signal) {
    const form = new FormData()
    for (const { file, name } of batch) form.append('file', file!, name)
    const answer = await send(job, form, onProgress, signal)
    learn(answer.job)
    return answer
  },
  items: (job, after) => get<Items>(`/jobs/${job}/items`, { after, limit: ITEMS }),
  close: async (job) => learn(await post<Job>(`/jobs/${job}/close`)),
  cancel: async (job) => learn(await request<Job>('DELETE', `/jobs/${job}`)),
  pause: (ms, signal) =>
    new Promise((resolve, reject) => {
      const timer = setTimeout(resolve, ms)
      signal.addEventListener('abort', () => (clearTimeout(timer), reject(signal.reason as Error)), { once: true })
    }),
}

export const queue = new Queue(io)

const refresh = (job: number): void => void queue.refresh(job).catch(() => undefined)
events.on('job', (job) => refresh(job.id))
events.on('refetch', () => queue.state.jobs.forEach(refresh))

// Files that are not sent yet are known to this page only.
window.addEventListener('beforeunload', (e) => {
  if (queue.busy) e.preventDefault()
})
