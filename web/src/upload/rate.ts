// How many a second, over the last seconds: from counts as they come.
export const WINDOW = 8000

export class Rate {
  private points: { at: number; done: number }[] = []

  /** The rate after `done` at time `at` (ms); 0 until it can be told. */
  tell(done: number, at: number = Date.now()): number {
    const last = this.points.at(-1)
    if (last && done < last.done) this.points = []
    this.points.push({ at, done })
    while (this.points.length > 2 && this.points[1]!.at < at - WINDOW) this.points.shift()
    const first = this.points[0]!
    return at - first.at < 500 ? 0 : ((done - first.done) * 1000) / (at - first.at)
  }
}
