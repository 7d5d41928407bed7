// The time, for "5 min ago": it goes on while somebody looks.
import { onBeforeUnmount, ref, type Ref } from 'vue'

export function useNow(every = 20000): Readonly<Ref<number>> {
  const now = ref(Date.now())
  const timer = setInterval(() => (now.value = Date.now()), every)
  onBeforeUnmount(() => clearInterval(timer))
  return now
}
