/** `switchboard explain --replay`: a customer's chats are run again, and what ends otherwise than it did is told. */
import type { Kysely } from 'kysely'
import type { CheckOptions } from '../config/check.ts'
import { showPath } from '../config/read.ts'
import { visible } from '../config/report.ts'
import type { JournalTables } from '../journal/tables.ts'
import { textOf } from '../message.ts'
import { checkedActor, checkedBody } from '../pipeline/checked.ts'
import type { Deed } from '../replay/recording.ts'
import { differences, Replay, type Replayed, type ReplayedDeed } from '../replay/replay.ts'
import { differing } from '../replay/told.ts'

/** `undefined`: the journal knows no such customer or chat. */
export async function replay(
  journal: Kysely<JournalTables>,
  customer: string,
  check: CheckOptions,
  json: boolean,
): Promise<{ readonly text: string; readonly isSame: boolean } | undefined> {
  const chats = await journal
    .selectFrom('chat')
    .select('id')
    .where((where) => where.or([where('external_id', '=', customer), where('id', '=', customer)]))
    .orderBy('account')
    .execute()
  if (chats.length === 0) return undefined
  await using again = new Replay(journal, check)
  const told: Replayed[] = []
  for (const { id } of chats) told.push(await again.chat(id))
  const files = await journal.selectFrom('revision').select(['hash', 'file']).execute()
  const fileOf = ({ revision }: Deed) => {
    const file = files.find(({ hash }) => hash.startsWith(revision))?.file
    return file === undefined ? revision : `${showPath(file)}, revision ${revision}`
  }
  return {
    text: json ? asJson(told) : told.map((one) => asText(one, fileOf)).join('\n'),
    isSame: told.every(isSame),
  }
}

/** Where it could not begin at the beginning, what differs may be due to that: it is told, and is no failure. */
function isSame(told: Replayed): boolean {
  if (told.deeds.length === 0) return false
  return told.skipped > 0 || (differences(told).length === 0 && told.endedBecause === undefined)
}

function asJson(told: readonly Replayed[]): string {
  const chats = told.map((one) => ({
    customer: one.chat.external_id,
    account: one.chat.account,
    replayed: one.deeds.length,
    skipped: one.skipped,
    problems: one.problems,
    differences: differences(one).map(({ deed, recorded, replayed, because }) => ({
      id: deed.of.id,
      type: deed.of.type,
      atMs: deed.startedAtMs,
      recorded,
      replayed,
      because,
    })),
    endedBecause: one.endedBecause,
  }))
  return `${JSON.stringify({ chats }, undefined, 2)}\n`
}

function asText(told: Replayed, fileOf: (deed: Deed) => string): string {
  const { chat, deeds, skipped, endedBecause } = told
  const different = differences(told)
  const events = deeds.filter(({ deed }) => deed.kind === 'turn').length
  const counts = `${count(events, 'event')} and ${count(deeds.length - events, 'command')}`
  const lines = [`${chat.external_id} on ${chat.account}: ${counts} run again`]
  if (skipped > 0) {
    lines.push(
      `  ${skipped} before them are left out, because what a replay has to know of them is not there (any more).`,
    )
    lines.push('  What plugins and the customer’s data held by then is not known: what differs may be due to that.')
  }
  for (const problem of told.problems) lines.push('', problem)
  if (deeds.length === 0) return `${[...lines, 'Nothing could be run again.'].join('\n')}\n`
  for (const one of different) lines.push('', ...differenceLines(one, fileOf).map(visible))
  if (different.length > 0) lines.push('')
  if (endedBecause) lines.push(`It went no further: ${endedBecause}.`)
  else if (different.length === 0) lines.push('Each ended as it did.')
  if (different.length > 0) lines.push(`${count(different.length, 'difference')}.`)
  return `${lines.join('\n')}\n`
}

function differenceLines({ deed, recorded, replayed, because }: ReplayedDeed, fileOf: (deed: Deed) => string) {
  const at = new Date(deed.startedAtMs).toISOString().replace('T', ' ').slice(0, 19)
  const head = [`${at}  ${whoDid(deed)}`, `  ${fileOf(deed)}`]
  if (!replayed) return [...head, `  then  ${recorded.outcome}`, `  now   nothing: ${because}`]
  const parts = differing(recorded, replayed).flatMap((field) => {
    if (field === 'outcome') return [`  then  ${recorded.outcome}`, `  now   ${replayed.outcome}`]
    return [
      `  ${field}`,
      ...onlyIn(recorded[field], replayed[field], 'then'),
      ...onlyIn(replayed[field], recorded[field], 'now '),
    ]
  })
  return [...head, ...parts]
}

/** What is not on the other side; all of it, when only the order is another. */
function onlyIn(one: readonly string[], other: readonly string[], side: string): readonly string[] {
  const own = one.filter((line) => !other.includes(line))
  const isOrder = own.length === 0 && one.length === other.length
  return (isOrder ? one : own).map((line) => `    ${side}  ${line}`)
}

function whoDid({ of, kind }: Deed): string {
  const by = checkedActor(of.by_json)
  const who = 'name' in by ? by.name : by.kind === 'agent' ? by.person : by.kind
  if (kind === 'turn' && 'body_json' in of && of.type === 'message') {
    return `${who}: ${JSON.stringify(textOf(checkedBody(of.body_json ?? '')))}`
  }
  return `${who}: (${of.type})`
}

function count(n: number, what: string): string {
  return `${n} ${what}${n === 1 ? '' : 's'}`
}
