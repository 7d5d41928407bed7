// useIntake.ts - pictures that are pasted or dropped anywhere on the view, chosen from disk, or named by an address.
import { onBeforeUnmount, onMounted, ref } from 'vue'
import { status } from '@/stores/status'
import { toast, toastError } from '@/stores/toasts'
import { bytes } from '@/format'
import { asker } from './ask'
import { dragHolds, intakeOf, type Intake } from './intake'
import { addTerm, type Query, type Term } from './query'
import type { Search } from './useSearch'

/** More at once would be an album, not a question. */
const most = 8

export function useIntake(search: Search) {
  const dragging = ref(false)
  const sending = ref<string | null>(null)
  let depth = 0

  function addAll(terms: Term[], add: boolean) {
    const start: Query = add ? search.query.value : { ...search.query.value, words: '', terms: [] }
    search.edit(terms.reduce(addTerm, start))
  }

  async function files(list: File[], add: boolean) {
    const limit = status.value?.limits.upload_bytes ?? Infinity
    const fits = list.filter((f) => f.size <= limit).slice(0, most)
    if (list.length > fits.length) toast(list.some((f) => f.size > limit) ? `Too large: the server takes up to ${bytes(limit)}.` : `The first ${most} are taken.`)
    if (!fits.length) return
    sending.value = fits.length === 1 ? `Looking at ${fits[0]?.name || 'the picture'}` : `Looking at ${fits.length} pictures`
    try {
      const terms: Term[] = []
      for (const f of fits) terms.push({ kind: 'upload', value: await asker.upload(f), weight: 1 })
      addAll(terms, add)
    } catch (e) {
      toastError(e)
    } finally {
      sending.value = null
    }
  }

  const url = (value: string, add: boolean) => addAll([{ kind: 'url', value, weight: 1 }], add)

  function take(intake: Intake, add: boolean): boolean {
    if (intake?.kind === 'files') void files(intake.files, add)
    else if (intake?.kind === 'url') url(intake.url, add)
    else if (intake?.kind === 'other') toast('That is not a picture.', 'error')
    else return false
    return true
  }

  /** A pasted picture is a question. A pasted address goes into the box as text, where it is offered to be looked up. */
  function pasted(e: ClipboardEvent) {
    const intake = intakeOf(e.clipboardData)
    if (intake?.kind !== 'files' || document.querySelector('dialog[open]')) return
    e.preventDefault()
    void files(intake.files, true)
  }

  function enter(e: DragEvent) {
    if (!dragHolds(e.dataTransfer?.types ?? []) || document.querySelector('dialog[open]')) return
    e.preventDefault()
    depth++
    dragging.value = true
  }
  function over(e: DragEvent) {
    if (dragging.value) e.preventDefault()
  }
  function leave() {
    if (dragging.value && --depth <= 0) stop()
  }
  function stop() {
    depth = 0
    dragging.value = false
  }
  function drop(e: DragEvent, add: boolean) {
    stop()
    take(intakeOf(e.dataTransfer), add)
  }
  function dropped(e: DragEvent) {
    if (!dragging.value) return
    e.preventDefault()
    drop(e, false)
  }

  const on: [string, (e: never) => void][] = [['paste', pasted], ['dragenter', enter], ['dragover', over], ['dragleave', leave], ['drop', dropped]]
  onMounted(() => on.forEach(([name, f]) => window.addEventListener(name, f as EventListener)))
  onBeforeUnmount(() => on.forEach(([name, f]) => window.removeEventListener(name, f as EventListener)))

  return { dragging, sending, drop, files, url }
}
