/** Canned replies over the API: everybody’s, and the own of whoever asks. */
import { createHash } from 'node:crypto'
import type { Kysely } from 'kysely'
import { z } from '#core'
import type { Calling } from '../access/door.ts'
import { Refusal } from '../api/refusal.ts'
import { personOf } from '../api/seen.ts'
import { type Api, type Asked, OK } from '../api/serve.ts'
import type { CannedReply } from './shapes.ts'
import type { ReplyRow, ReplyTables } from './tables.ts'

/** So many everybody has of their own, and all have together. */
const MAX_REPLIES = 1_000
const EVERYBODYS = ''
const Texts = z.record(z.string(), z.string())

export function addReplies(api: Api, sql: Kysely<ReplyTables>): void {
  api.on('GET /replies', async ({ calling }) => {
    const rows = await sql.selectFrom('reply').selectAll().where('person', 'in', readableBy(calling)).execute()
    // What is used most comes first.
    return { replies: rows.toSorted((a, b) => b.used - a.used || (a.shortcut < b.shortcut ? -1 : 1)).map(replyOf) }
  })
  api.on('POST /replies/shared/:reply', (asked) => keep(EVERYBODYS, asked))
  api.on('POST /replies/own/:reply', (asked) => keep(asked.calling.name, asked))
  api.on('POST /replies/shared/:reply/remove', (asked) => remove(EVERYBODYS, asked))
  api.on('POST /replies/own/:reply/remove', (asked) => remove(asked.calling.name, asked))
  api.on('POST /replies/:reply/used', async ({ calling, params: { reply } }) => {
    const { numUpdatedRows } = await sql
      .updateTable('reply')
      .set((row) => ({ used: row('used', '+', 1) }))
      .where('id', '=', reply)
      .where('person', 'in', readableBy(calling))
      .executeTakeFirstOrThrow()
    if (numUpdatedRows === 0n) throw new Refusal('NOT_FOUND')
    return OK
  })

  async function keep(
    person: string,
    { params, body, note }: Pick<Asked<'POST /replies/own/:reply'>, 'params' | 'body' | 'note'>,
  ): Promise<typeof OK> {
    const { shortcut, texts } = body
    const row = { shortcut, texts_json: JSON.stringify(texts) }
    const before = await find(params.reply)
    if (before ? before.person !== person : body.revision !== undefined) throw new Refusal('NOT_FOUND')
    // Given again, it is what is there already.
    if (before && revisionOf(before) === revisionOf(row)) return OK
    if (before && revisionOf(before) !== body.revision) throw new Refusal('CHANGED_MEANWHILE')
    const others = await sql.selectFrom('reply').select(['id', 'shortcut']).where('person', '=', person).execute()
    if (others.some((one) => one.id !== params.reply && one.shortcut === shortcut))
      throw new Refusal('SHORTCUT_TAKEN', { params: { shortcut } })
    if (!before && others.length >= MAX_REPLIES)
      throw new Refusal('TOO_MANY_REPLIES', { params: { most: MAX_REPLIES } })
    const { numInsertedOrUpdatedRows } = await sql
      .insertInto('reply')
      .values({ id: params.reply, person, used: 0, ...row })
      .onConflict((there) =>
        there
          .column('id')
          .doUpdateSet(row)
          // Two may change it at the same moment.
          .where('reply.shortcut', '=', before?.shortcut ?? '')
          .where('reply.texts_json', '=', before?.texts_json ?? ''),
      )
      .executeTakeFirstOrThrow()
    if (numInsertedOrUpdatedRows === 0n) throw new Refusal('CHANGED_MEANWHILE')
    // What is somebody's own is nobody else's to read.
    if (person === EVERYBODYS) note({ ...(before && { before: wordsOf(before) }), after: { shortcut, texts } })
    return OK
  }

  async function remove(
    person: string,
    { params, note }: Pick<Asked<'POST /replies/own/:reply/remove'>, 'params' | 'note'>,
  ): Promise<typeof OK> {
    const before = await find(params.reply)
    if (before?.person !== person) throw new Refusal('NOT_FOUND')
    await sql.deleteFrom('reply').where('id', '=', params.reply).execute()
    if (person === EVERYBODYS) note({ before: wordsOf(before) })
    return OK
  }

  const find = (id: string) => sql.selectFrom('reply').selectAll().where('id', '=', id).executeTakeFirst()
}

const readableBy = (calling: Calling): readonly string[] => [...new Set([EVERYBODYS, personOf(calling)])]

const wordsOf = ({ shortcut, texts_json }: ReplyRow) => ({ shortcut, texts: Texts.parse(JSON.parse(texts_json)) })

/** What stands there, told apart from anything else that has stood there. */
const revisionOf = ({ shortcut, texts_json }: Pick<ReplyRow, 'shortcut' | 'texts_json'>) =>
  createHash('sha256')
    .update(JSON.stringify([shortcut, texts_json]))
    .digest('base64url')
    .slice(0, 16)

function replyOf(row: ReplyRow): CannedReply {
  const { id, person, used } = row
  return { id, isShared: person === EVERYBODYS, used, revision: revisionOf(row), ...wordsOf(row) }
}
