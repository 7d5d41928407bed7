// The shapes of docs/openapi.yaml under their short names.
export type Scope = 'read' | 'write' | 'admin'

export interface Session {
  scope: Scope | null
  key_required: boolean
  loopback: boolean
}

export interface Hit {
  id: number
  hash: string
  format: string
  width: number
  height: number
  bytes: number
  taken_at: string | null
  added_at: string
  offline: boolean
  name: string
  path: string
  score?: number
  similarity?: number
  relevant?: boolean
  copies?: number
}

export interface Picture extends Omit<Hit, 'score' | 'similarity' | 'relevant' | 'copies'> {
  camera: string | null
  paths: string[]
  gps: { lat: number; lon: number } | null
}

export type JobState = 'open' | 'queued' | 'running' | 'done' | 'failed' | 'cancelled'

export interface Job {
  id: number
  kind: 'upload' | 'scan' | 'retry'
  state: JobState
  title: string
  note: string | null
  total: number
  done: number
  indexed: number
  duplicates: number
  unchanged: number
  removed: number
  failed: number
  rate: number | null
  eta: number | null
  created_at: string
  finished_at: string | null
  version: number
}

export type ItemState = 'waiting' | 'indexed' | 'duplicate' | 'failed'

export interface Item {
  seq: number
  name: string
  state: ItemState
  picture: number | null
  bytes: number
  reason: string | null
  code: string | null
}

export interface UploadAnswer {
  job: Job
  items: Pick<Item, 'seq' | 'name' | 'state' | 'reason'>[]
}

export interface Root {
  id: number
  path: string
  offline: boolean
  uploads: boolean
  files: number
  failures: number
  last_scan: string | null
}

export interface Failure {
  path: string
  reason: string
  code: string
  at: string
  attempts: number
}

export interface Model {
  name: string
  in_use: boolean
  installed: boolean
  supported: boolean
  dim: number
  image_size: number
  licence: string | null
  parameters: number | null
  bytes: number | null
  recall_flickr: number | null
  recall_coco: number | null
  install: string | null
}

export interface Status {
  version: string
  pictures: number
  files: number
  failures: number
  embedded: number
  database_bytes: number
  roots: number
  roots_offline: number
  model: string
  dim: number
  samples: boolean
  library: string
  writable: boolean
  limits: { upload_bytes: number; files: number }
}

export interface ApiKey {
  id: number
  name: string
  scope: Scope
  created_at: string
  last_used_at: string | null
}
