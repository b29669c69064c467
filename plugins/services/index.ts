/** What the shipped plugins lend each other: types and tokens only. */
export { type Blacklist, type BlacklistEntry, blacklist, type Listed } from './blacklist.ts'
export { type AvatarPixels, type Identities, identities } from './identities.ts'
export { type Loopback, loopback } from './loopback.ts'
export { type Presence, presence } from './presence.ts'
export { type Rating, type Ratings, ratings } from './ratings.ts'
export { type Staff, type StaffMember, type StaffRole, staff } from './staff.ts'
