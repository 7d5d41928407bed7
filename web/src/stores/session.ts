// Who we are to the server: what the page asks first, and what it may offer.
import { computed, ref } from 'vue'
import { events } from '@/api/events'
import { login as signIn, logout as signOut, openSession, sentence, whenUnauthorized } from '@/api/client'
import type { Scope, Session } from '@/api/types'

export const session = ref<Session | null>(null)
export const sessionError = ref('') // why the server could not be asked
const rank: Record<Scope, number> = { read: 1, write: 2, admin: 3 }

export const signedIn = computed(() => session.value?.scope != null)
export const can = (scope: Scope): boolean => rank[session.value?.scope ?? 'read'] >= rank[scope] && signedIn.value

function enter(value: Session): void {
  session.value = value
  if (value.scope) events.start()
  else events.stop()
}

export async function startSession(): Promise<void> {
  try {
    enter(await openSession())
    sessionError.value = ''
  } catch (e) {
    sessionError.value = sentence(e)
  }
}

export async function login(secret: string, remember: boolean): Promise<void> {
  enter(await signIn(secret, remember))
}

export async function logout(): Promise<void> {
  await signOut()
  await startSession()
}

// A key that was removed while the page was open: ask for another one.
whenUnauthorized(() => {
  if (session.value?.scope) enter({ ...session.value, scope: null, key_required: true })
})
