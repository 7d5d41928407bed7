// How files are put together into requests: few enough that progress is smooth and a lost request costs little.
import type { Upload } from './queue'

export interface Limits {
  upload_bytes: number // of one request
  files: number
}
export const BATCH_FILES = 16
export const BATCH_BYTES = 24e6

/** Takes the next batch off the front of `waiting`; at least one file. */
export function nextBatch(waiting: Upload[], limits: Limits): Upload[] {
  const most = Math.min(BATCH_FILES, limits.files || BATCH_FILES)
  const bytes = Math.min(BATCH_BYTES, limits.upload_bytes ? limits.upload_bytes * 0.9 : BATCH_BYTES)
  let n = 0
  for (let sum = 0; n < waiting.length && n < most; n++) {
    sum += waiting[n]!.size
    if (n > 0 && sum > bytes) break
  }
  return waiting.splice(0, n)
}

/** The body is the files one after another: who has got how much of the bytes sent so far. */
export function spread(batch: Upload[], sent: number): void {
  let before = 0
  for (const upload of batch) {
    upload.progress = upload.size ? Math.min(1, Math.max(0, (sent - before) / upload.size)) : Number(sent > before)
    before += upload.size
  }
}
