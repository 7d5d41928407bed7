// Short messages at the edge of the page, spoken by screen readers.
import { reactive } from 'vue'
import { sentence } from '@/api/client'

export interface Toast {
  id: number
  text: string
  kind: 'info' | 'error'
}
export const toasts = reactive<Toast[]>([])
let last = 0

export function dismiss(id: number): void {
  const at = toasts.findIndex((t) => t.id === id)
  if (at >= 0) toasts.splice(at, 1)
}

/** Errors stay longer: they have to be read. */
export function toast(text: string, kind: Toast['kind'] = 'info'): void {
  const id = ++last
  toasts.push({ id, text, kind })
  if (toasts.length > 3) toasts.shift()
  setTimeout(() => dismiss(id), kind === 'error' ? 12000 : 5000)
}

export const toastError = (e: unknown): void => toast(sentence(e), 'error')
