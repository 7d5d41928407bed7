// history.ts - what becomes a step for the Back button, and where the page stood at each step.

/** A change that continues the one before it (further letters, another notch of a weight) replaces the step; others add one. */
export class Gestures {
  private last: string | null = null
  private at = -Infinity
  constructor(private readonly now: () => number = () => performance.now()) {}

  /** `gesture`: names what goes on ("typing", "weight like:4"); null: a step of its own. `pause`: after so many ms it's a new one. */
  step(gesture: string | null, pause = Infinity): 'push' | 'replace' {
    const t = this.now()
    const same = gesture !== null && gesture === this.last && t - this.at <= pause
    this.last = gesture
    this.at = t
    return same ? 'replace' : 'push'
  }

  end() {
    this.last = null
  }
}

export interface Place {
  scroll: number
  /** Picture that had the focus. */
  picture: number | null
}

/** The newest `max` entries by key; reading makes an entry new again. */
export class Recent<V> {
  private readonly map = new Map<string, V>()
  constructor(private readonly max: number) {}

  get(key: string): V | undefined {
    const v = this.map.get(key)
    if (v !== undefined) this.set(key, v)
    return v
  }

  set(key: string, v: V) {
    this.map.delete(key)
    this.map.set(key, v)
    if (this.map.size > this.max) this.map.delete(this.map.keys().next().value as string)
  }

  delete(key: string) {
    this.map.delete(key)
  }

  clear() {
    this.map.clear()
  }

  get size() {
    return this.map.size
  }
}
