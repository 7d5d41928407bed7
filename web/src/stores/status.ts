// What the library holds, kept fresh by events.
import { ref } from 'vue'
import { get, isAbort } from '@/api/client'
import { events } from '@/api/events'
import type { Status } from '@/api/types'

export const status = ref<Status | null>(null)

export async function refreshStatus(): Promise<void> {
  try {
    status.value = await get<Status>('/status')
  } catch (e) {
    if (!isAbort(e)) console.warn('eyeshine:', e)
  }
}

events.on('library', ({ pictures, failures }) => {
  if (status.value) Object.assign(status.value, { pictures, failures })
})
events.on('refetch', () => void refreshStatus())
