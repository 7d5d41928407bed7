// useGridWindow.ts - the part of a tall box that the window shows, followed while it scrolls and is resized.
import { onBeforeUnmount, onMounted, ref, type Ref } from 'vue'

/** Faster than this (pixels a second) nobody sees a picture: thumbnails wait. */
const rush = 6000
const calmAfter = 120

export function useGridWindow(box: Readonly<Ref<HTMLElement | null>>) {
  const width = ref(0)
  const top = ref(0)
  const bottom = ref(0)
  const rushing = ref(false)
  let frame = 0
  let last = { y: 0, t: 0 }
  let timer: ReturnType<typeof setTimeout> | undefined

  function measure() {
    frame = 0
    const el = box.value
    if (!el) return
    const rect = el.getBoundingClientRect()
    top.value = -rect.top
    bottom.value = window.innerHeight - rect.top
    // The open picture takes the scrollbar away; rows behind it stay as they are.
    if (!document.querySelector('dialog.viewer[open]') || !width.value) width.value = el.clientWidth
  }

  function scrolled() {
    const t = performance.now()
    const speed = (Math.abs(window.scrollY - last.y) / Math.max(1, t - last.t)) * 1000
    const jump = t - last.t > 200
    last = { y: window.scrollY, t }
    if (!jump && speed > rush) {
      rushing.value = true
      clearTimeout(timer)
      timer = setTimeout(() => (rushing.value = false), calmAfter)
    }
    frame ||= requestAnimationFrame(measure)
  }

  const observer = new ResizeObserver(measure)
  onMounted(() => {
    measure()
    if (box.value) observer.observe(box.value)
    window.addEventListener('scroll', scrolled, { passive: true })
    window.addEventListener('resize', measure)
  })
  onBeforeUnmount(() => {
    observer.disconnect()
    cancelAnimationFrame(frame)
    clearTimeout(timer)
    window.removeEventListener('scroll', scrolled)
    window.removeEventListener('resize', measure)
  })
  return { width, top, bottom, rushing, measure }
}
