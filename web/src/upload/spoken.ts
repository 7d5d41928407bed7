// Progress for those who listen: now and then, and always the end.
import { onUnmounted, ref, watch, type Ref } from 'vue'

export const EVERY = 10000

export function useSpoken(line: Ref<string>, over: Ref<boolean>): Ref<string> {
  const spoken = ref('')
  let last = 0
  let timer: ReturnType<typeof setTimeout> | undefined
  const say = (): void => {
    clearTimeout(timer)
    timer = undefined
    last = Date.now()
    spoken.value = line.value
  }
  watch([line, over], () => {
    const wait = last + EVERY - Date.now()
    if (over.value || wait <= 0) say()
    else timer ??= setTimeout(say, wait)
  }, { immediate: true })
  onUnmounted(() => clearTimeout(timer))
  return spoken
}
