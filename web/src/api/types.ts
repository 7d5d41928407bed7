// The shapes of docs/openapi.yaml under short names; src/api/schema.d.ts is made from it by every build.
import type { components, operations } from './schema'

type Schemas = components['schemas']
export type Scope = Schemas['Scope']
export type Session = Schemas['Session']
export type Summary = Schemas['Summary']
export type Hit = Schemas['Hit']
export type Picture = Schemas['Picture']
export type Term = Schemas['Term']
export type UsedTerm = Schemas['UsedTerm']
export type Filter = Schemas['Filter']
export type SearchRequest = Schemas['SearchRequest']
export type SearchResponse = Schemas['SearchResponse']
export type Reading = Schemas['Query']
export type Job = Schemas['Job']
export type Item = Schemas['Item']
export type ItemState = Schemas['ItemState']
export interface Watch {
  how: 'off' | 'notified' | 'polled' | 'offline'
  why: string
  folders: number
  changed_at: string | null
}
export type Root = Schemas['Root'] & { watch?: Watch }
export type Duplicates = Schemas['Duplicates']
export type DuplicateGroup = Schemas['DuplicateGroup']
export type DuplicateMember = Schemas['DuplicateMember']
export type Failure = Schemas['Failure']
export type Model = Schemas['Model']
export type Status = Schemas['Status']
export type ApiKey = Schemas['Key']

export type UploadAnswer = operations['uploadImages']['responses'][202]['content']['application/json']
export type Items = operations['listItems']['responses'][200]['content']['application/json']
export type Failures = operations['listFailures']['responses'][200]['content']['application/json']
export type Roots = Omit<operations['listRoots']['responses'][200]['content']['application/json'], 'roots'> & { roots: Root[] }
export type NewRoot = operations['addRoot']['responses'][201]['content']['application/json']
export type Models = components['responses']['Models']['content']['application/json']
export type NewKey = operations['createKey']['responses'][201]['content']['application/json']
