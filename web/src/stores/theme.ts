// Light, dark, or as the system says. Kept in this browser only.
import { ref } from 'vue'

export type Theme = 'system' | 'light' | 'dark'
const NAME = 'eyeshine.theme'

function stored(): Theme {
  const value = localStorage.getItem(NAME)
  return value === 'light' || value === 'dark' ? value : 'system'
}
export const theme = ref<Theme>('system')

export function applyTheme(value: Theme = stored()): void {
  theme.value = value
  if (value === 'system') {
    localStorage.removeItem(NAME)
    delete document.documentElement.dataset.theme
  } else {
    localStorage.setItem(NAME, value)
    document.documentElement.dataset.theme = value
  }
}
