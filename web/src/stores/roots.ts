// The folders of the server's machine that are in the library.
import { ref } from 'vue'
import { get } from '@/api/client'
import { events } from '@/api/events'
import type { Root, Roots } from '@/api/types'
import { isOver } from './jobs'

export const roots = ref<Root[] | null>(null)
export const allowed = ref<string[]>([])

export async function refreshRoots(): Promise<void> {
  const answer = await get<Roots>('/roots')
  roots.value = answer.roots
  allowed.value = answer.allowed
}

const quietly = (): void => void (roots.value && refreshRoots().catch(() => undefined))
events.on('refetch', quietly)
events.on('roots', quietly)
events.on('job', (job) => isOver(job) && quietly())
