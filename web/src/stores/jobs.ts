// Every job that the server told of, newest first: running ones are shown live on Index Image, all in the Library.
import { computed, reactive, ref } from 'vue'
import { get, post, request } from '@/api/client'
import { events } from '@/api/events'
import type { Job } from '@/api/types'

const byId = reactive(new Map<number, Job>())
export const jobsLoaded = ref(false)
export const moreJobs = ref(false)
const PAGE = 50

export const isOver = (job: Job): boolean => job.state === 'done' || job.state === 'failed' || job.state === 'cancelled'
export const jobs = computed(() => [...byId.values()].sort((a, b) => b.id - a.id))
export const liveJobs = computed(() => jobs.value.filter((job) => !isOver(job)))
export const jobOf = (id: number): Job | undefined => byId.get(id)

/** An older state must not overwrite a newer one: answers and events may overtake each other. */
export function learn(job: Job): void {
  const known = byId.get(job.id)
  if (!known || job.version >= known.version) byId.set(job.id, job)
}

export async function refreshJobs(): Promise<void> {
  const answer = await get<{ jobs: Job[] }>('/jobs', { limit: PAGE })
  answer.jobs.forEach(learn)
  moreJobs.value = answer.jobs.length === PAGE
  jobsLoaded.value = true
}

export async function olderJobs(): Promise<void> {
  const answer = await get<{ jobs: Job[] }>('/jobs', { limit: PAGE, before: jobs.value.at(-1)?.id })
  answer.jobs.forEach(learn)
  moreJobs.value = answer.jobs.length === PAGE
}

export async function startJob(body: { kind: 'scan'; root: number } | { kind: 'retry' }): Promise<Job> {
  const job = await post<Job>('/jobs', body)
  learn(job)
  return job
}

export async function closeJob(id: number): Promise<void> {
  learn(await post<Job>(`/jobs/${id}/close`))
}

export async function cancelJob(id: number): Promise<void> {
  learn(await request<Job>('DELETE', `/jobs/${id}`))
}

events.on('job', learn)
events.on('refetch', () => void refreshJobs().catch(() => undefined))
