// What a person can do about a failed file, by the error's code.
const byCode: Record<string, string> = {
  format: 'Open it in a picture viewer; if it opens, save it again as JPEG or PNG and retry.',
  limit: 'Make a smaller copy, or raise the limit where eyeshine runs.',
  io: 'Check that the file can be read and that the disk is not full, then retry.',
  memory: 'The server ran out of memory; retry when less is going on.',
  notfound: 'The file is gone. If it was moved, scan its folder again.',
  invalid: 'Give the file another name and retry.',
  remote: 'The part that decodes pictures stopped at this file; retry, and if it stops again, the file is likely damaged.',
  busy: 'Something else is working on the library; retry in a while.',
}
/** The library's reasons are phrases; beside advice they need a full stop. */
export const reasonText = (reason: string): string => (/[.!?]$/.test(reason) ? reason : `${reason}.`).replace(/^\p{Ll}/u, (c) => c.toUpperCase())

export const advice = (code: string): string => byCode[code] ?? 'Retry; if it fails again, the reason above tells why.'
