// How a job is called.
import type { Job } from '@/api/types'
import type { IconName } from './icons'

const icons: Record<Job['kind'], IconName> = { upload: 'upload', scan: 'folder', retry: 'retry' }
export const jobIcon = (job: Job): IconName => icons[job.kind]

export function jobTitle({ kind, title }: Job): string {
  if (kind === 'retry') return 'Retrying what failed'
  if (kind === 'scan') return title ? `Scan of ${title}` : 'Scan of all folders'
  return title ? `Upload “${title}”` : 'Upload'
}

const words: Record<Job['state'], string> = { open: 'taking files', queued: 'waiting', running: 'at work', done: '', failed: 'failed', cancelled: 'cancelled' }
export const stateWord = (job: Job): string => words[job.state]
