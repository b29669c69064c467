/** What every engine of the journal is held to. Nothing in here knows how an engine keeps its data. */
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Conversation } from '../../../core/conversation.ts'
import {
  type CustomerFilter,
  type CustomerQuery,
  type Engine,
  type KeepUntil,
  NEVER_MS,
  type NewDelivery,
} from '../../../core/journal/engine.ts'
import type { Json } from '../../../core/message.ts'
import {
  AMY,
  BOT,
  closed,
  commit,
  deliveriesOf,
  entriesOf,
  KEPT,
  loaded,
  MINUTE,
  moved,
  newChange,
  newChat,
  newConversation,
  newDelivery,
  newEvent,
  newId,
  newTurn,
  result,
  said,
  send,
  sendLater,
  T0,
  textOfDelivery,
} from './given.ts'

/** A place for one journal, empty at first. Opening it again finds what was there. */
export interface Place {
  open(): Promise<Engine>
  remove(): Promise<void>
}

const ALLOWED = { on: 'message', endsAtMs: T0 + MINUTE, resets: true } as const
const STEPS = [{ stage: 'bot', by: 'faq', did: 'reply', gave: { ending: { kind: 'reply', say: 'hi' } } }]
/** What a desk is told, whatever it is. */
const ITEM = { kind: 'desk', item: { type: 'closed', conversation: 'c', because: 'b' } } as const
const ERASING = { nowMs: T0 + 2 * MINUTE, instances: ['visitors'] }
const KEEP_ALL: KeepUntil = {
  dedupeBeforeMs: 0,
  messagesBeforeMs: 0,
  tracesBeforeMs: 0,
  deliveriesBeforeMs: 0,
  commandsBeforeMs: 0,
  auditBeforeMs: 0,
}

export function engineConformance(name: string, makePlace: () => Promise<Place>): void {
  describe(name, () => {
    let place: Place
    let engine: Engine

    beforeAll(async () => {
      place = await makePlace()
      engine = await place.open()
    })
    afterAll(async () => {
      await engine.close()
      await place.remove()
    })

    /** For what looks at all chats at once: a journal of its own. */
    async function alone(run: (engine: Engine, reopen: () => Promise<Engine>) => Promise<void>): Promise<void> {
      const own = await makePlace()
      let open = await own.open()
      try {
        await run(open, async () => {
          await open.close()
          open = await own.open()
          return open
        })
      } finally {
        await open.close()
        await own.remove()
      }
    }

    describe('accept', () => {
      test('a new event makes a chat, a customer and an entry that waits', async () => {
        const event = newEvent({ chat: 'ann', sender: { name: 'Ann', language: 'en' } })
        const accepted = await engine.accept(event)
        expect(accepted).toMatchObject({
          ...{ chat: event.ids.chat, entry: event.ids.entry, seq: 1, repeated: false, done: false },
        })
        expect(await engine.load(accepted.chat)).toEqual({
          id: event.ids.chat,
          account: 'test:shop',
          externalId: 'ann',
          seq: 1,
          epoch: 0,
          dueAtMs: 0,
          customer: { id: event.ids.customer, name: 'Ann', language: 'en', tags: [], fields: {} },
          conversation: undefined,
          question: undefined,
          shown: undefined,
          next: {
            seq: 1,
            id: event.ids.entry,
            acceptedAtMs: T0,
            event: JSON.parse(JSON.stringify(event.event)),
            conversation: undefined,
            facts: undefined,
            fails: 0,
            blocked: 0,
          },
          waitingMessages: 1,
          states: new Map(),
          allowances: [],
          openDeliveries: 0,
        })
        expect(await engine.findChat('test:shop', 'ann')).toBe(accepted.chat)
        expect(await engine.findChat('test:other', 'ann')).toBeUndefined()
      })

      test('an event that comes again is the first one, and says whether it has its outcome', async () => {
        const event = newEvent()
        const first = await engine.accept(event)
        const again = { ...newEvent({ ...event, ids: newEvent().ids }), event: event.event }
        expect(await engine.accept(again)).toEqual({ ...first, loaded: undefined, repeated: true, done: false })
        await commit(engine, newChange(first.chat, { turn: newTurn(1) }))
        expect(await engine.accept(again)).toEqual({ ...first, loaded: undefined, repeated: true, done: true })
        expect(await entriesOf(engine, first.chat)).toHaveLength(1)
      })

      test('the same id on another account is another event', async () => {
        const here = await engine.accept(newEvent({ id: 'm1', chat: 'bo', account: 'test:one' }))
        const there = await engine.accept(newEvent({ id: 'm1', chat: 'bo', account: 'test:two' }))
        expect(there.repeated).toBe(false)
        expect(there.chat).not.toBe(here.chat)
      })

      test('a chat numbers its events in the order in which they came, without gaps', async () => {
        const events = Array.from({ length: 300 }, (_, i) => newEvent({ chat: `many-${i % 3}`, text: `${i}` }))
        const accepted = await Promise.all(events.map((event) => engine.accept(event)))
        for (const which of [0, 1, 2]) {
          const mine = accepted.filter((_, i) => i % 3 === which)
          expect(mine.map((one) => one.seq)).toEqual(Array.from({ length: 100 }, (_, i) => i + 1))
          expect(new Set(mine.map((one) => one.chat)).size).toBe(1)
        }
      })

      test('of many repeats at once one is new', async () => {
        const event = newEvent()
        const accepted = await Promise.all(
          Array.from({ length: 50 }, () => engine.accept({ ...event, ids: newEvent().ids })),
        )
        expect(accepted.filter((one) => !one.repeated)).toHaveLength(1)
        expect(new Set(accepted.map((one) => one.entry)).size).toBe(1)
        expect((await loaded(engine, accepted[0]?.chat ?? '')).seq).toBe(1)
      })

      test('who accepts the only event that waits in a chat is given the chat as it is', async () => {
        const chat = newId()
        const first = await engine.accept(newEvent({ chat, sender: { name: 'Ann' } }))
        expect(first.loaded).toEqual(await loaded(engine, first.chat))
        const second = await engine.accept(newEvent({ chat }))
        expect(second.loaded).toBeUndefined()
        const conversation = newConversation()
        const states = [{ instance: 'form', body: { step: 2 } }]
        const opened = { now: conversation, revision: 'r1', changes: [], cause: first.entry }
        await commit(engine, newChange(first.chat, { turn: newTurn(1), conversation: opened, states }))
        await commit(engine, newChange(first.chat, { turn: newTurn(2) }))
        const third = await engine.accept(newEvent({ chat, sender: { language: 'de' } }))
        expect(third.loaded).toEqual(await loaded(engine, first.chat))
        expect(third.loaded).toMatchObject({ conversation: { id: conversation.id }, next: { seq: 3 } })
      })

      test('the sender changes only what is given of the customer', async () => {
        const chat = newId()
        await engine.accept(newEvent({ chat, sender: { name: 'Ann', fields: { city: 'Basel', age: 30 } } }))
        await engine.accept(newEvent({ chat, sender: { language: 'de', fields: { age: 31, vip: null } } }))
        const { chat: id } = await engine.accept(newEvent({ chat }))
        const { customer } = await loaded(engine, id)
        expect(customer).toMatchObject({
          name: 'Ann',
          language: 'de',
          fields: { city: 'Basel', age: 31, vip: null },
        })
        expect(await engine.findCustomer(customer.id)).toEqual(customer)
        await engine.patchCustomer(customer.id, { name: 'Anna' }, T0)
        expect((await engine.findCustomer(customer.id))?.name).toBe('Anna')
        expect(await engine.findCustomer(newId())).toBeUndefined()
      })

      test('media are to be fetched from the moment that their event is accepted', async () => {
        await alone(async (own) => {
          const media = { id: newId(), source: 'wechat:m1', type: 'image' } as const
          await own.accept(newEvent({ media: [media] }))
          const [task] = await own.dueMedia(T0, 10)
          expect(task).toEqual({ ...media, account: 'test:shop', attempts: 0 })
          await own.recordMedia({ id: media.id, nowMs: T0, state: 'waiting', nextAtMs: T0 + 500, error: 'slow' })
          expect(await own.dueMedia(T0 + 499, 10)).toEqual([])
          expect(await own.dueMedia(T0 + 500, 10)).toMatchObject([{ id: media.id, attempts: 1 }])
          const here = { state: 'here', file: 'f00d', mimeType: 'image/png', sizeBytes: 7 } as const
          await own.recordMedia({ id: media.id, nowMs: T0 + 600, ...here })
          expect(await own.dueMedia(T0 + MINUTE, 10)).toEqual([])
        })
      })

      test('a file that the account has kept is there with its event; of another account it is gone', async () => {
        await alone(async (own) => {
          const sql = "INSERT INTO kept VALUES ('k1', 'test:shop', 'f00d', 'image/png', 7, 5)"
          await own.write([{ sql, parameters: [] }])
          const media = ['test:shop', 'test:other'].map((account) => ({ account, id: newId() }))
          for (const { account, id } of media)
            await own.accept(newEvent({ account, media: [{ id, source: 'kept:k1', type: 'image' }] }))
          const rows = await own.read.selectFrom('media').selectAll().orderBy('id').execute()
          expect(rows).toMatchObject([
            { id: media[0]?.id, state: 'here', file: 'f00d', mime_type: 'image/png', size_bytes: 7 },
            { id: media[1]?.id, state: 'gone', file: null },
          ])
          expect(await own.dueMedia(T0, 10)).toEqual([])
        })
      })
    })

    describe('customers who are known elsewhere', () => {
      const customerOf = async (chat: string) => (await loaded(engine, chat)).customer
      const rowOf = (id: string) =>
        engine.read.selectFrom('customer').selectAll().where('id', '=', id).executeTakeFirstOrThrow()
      const conversationsOf = (chat: string) =>
        engine.read
          .selectFrom('conversation')
          .select(['state', 'customer'])
          .where('chat', '=', chat)
          .orderBy('state')
          .execute()
      /** One conversation that is over, and one that is open. */
      const converse = async (chat: string) => {
        const first = newConversation()
        await commit(engine, newChange(chat, { conversation: moved(first, 'opened') }))
        await commit(engine, newChange(chat, { conversation: moved(closed(first), 'closed') }))
        await commit(engine, newChange(chat, { conversation: moved(newConversation(), 'opened') }))
      }

      test('the first one who is known by an id keeps what he has', async () => {
        const visitor = newId()
        const chat = await newChat(engine, { chat: visitor, sender: { name: 'Ann' } })
        const before = await customerOf(chat)
        const userId = newId()
        for (const _ of [1, 2]) await engine.accept(newEvent({ chat: visitor, sender: { userId } }))
        expect(await customerOf(chat)).toEqual(before)
        expect(await rowOf(before.id)).toMatchObject({ user_id: userId, merged_into: null })
      })

      test('a new chat of somebody known is theirs from its first event on', async () => {
        const userId = newId()
        const first = await newChat(engine, { sender: { userId, name: 'Ann' } })
        const event = newEvent({ sender: { userId, language: 'de' } })
        const { chat } = await engine.accept(event)
        expect(await customerOf(chat)).toEqual(await customerOf(first))
        expect(await customerOf(first)).toMatchObject({ name: 'Ann', language: 'de' })
        expect(await engine.findCustomer(event.ids.customer)).toBeUndefined()
      })

      test('a stranger who turns out to be known goes over with all that was said, and what only he knew is kept', async () => {
        const userId = newId()
        const known = await newChat(engine, {
          nowMs: T0 + MINUTE,
          sender: { userId, name: 'Ann', fields: { city: 'Basel' } },
        })
        const visitor = newId()
        const sender = {
          name: 'Visitor 7',
          language: 'de',
          avatarUrl: 'https://a/b',
          fields: { city: 'Bern', page: '/a' },
        }
        const chat = await newChat(engine, { chat: visitor, sender })
        await converse(chat)
        const [to, from] = [await customerOf(known), await customerOf(chat)]
        const tag = (id: string, tags: readonly string[]) => ({
          sql: 'UPDATE customer SET tags_json = ? WHERE id = ?',
          parameters: [JSON.stringify(tags), id],
        })
        await engine.write([tag(to.id, ['vip', 'old']), tag(from.id, ['new', 'old'])])
        const identified = newEvent({ chat: visitor, nowMs: T0 + 2 * MINUTE, sender: { userId, name: 'Anna' } })
        expect(await engine.accept(identified)).toMatchObject({ chat, seq: 2 })

        const now = {
          id: to.id,
          name: 'Anna',
          language: 'de',
          tags: ['vip', 'old', 'new'],
          fields: { city: 'Basel', page: '/a' },
        }
        expect(await customerOf(chat)).toEqual(now)
        expect(await customerOf(known)).toEqual(now)
        expect(await rowOf(to.id)).toMatchObject({ avatar_url: 'https://a/b', first_at: T0, last_at: T0 + 2 * MINUTE })
        expect(await conversationsOf(chat)).toEqual([
          { state: 'bot', customer: to.id },
          { state: 'closed', customer: to.id },
        ])
        // Whoever has kept something by the old id finds them, and says new things of them.
        expect(await rowOf(from.id)).toMatchObject({ user_id: null, merged_into: to.id, name: 'Visitor 7' })
        expect(await engine.findCustomer(from.id)).toEqual(now)
        await engine.patchCustomer(from.id, { name: 'Ms Ann' }, T0)
        expect((await customerOf(chat)).name).toBe('Ms Ann')
        // A repeat says nothing new.
        expect(await engine.accept({ ...identified, ids: newEvent().ids })).toMatchObject({ repeated: true })
      })

      test('somebody else in the same chat gets nothing of the one before, who keeps what is over', async () => {
        const visitor = newId()
        const [ann, bo, cy] = [newId(), newId(), newId()]
        const cyIs = await newChat(engine, { sender: { userId: cy, name: 'Cy' } })
        const chat = await newChat(engine, {
          chat: visitor,
          sender: { userId: ann, name: 'Ann', language: 'de', fields: { vip: true } },
        })
        await converse(chat)
        const first = await customerOf(chat)
        await engine.accept(newEvent({ chat: visitor, sender: { userId: bo } }))
        const second = await customerOf(chat)
        expect(second).toEqual({ id: second.id, name: undefined, language: undefined, tags: [], fields: {} })
        expect(second.id).not.toBe(first.id)
        expect(await conversationsOf(chat)).toEqual([
          { state: 'bot', customer: second.id },
          { state: 'closed', customer: first.id },
        ])
        await engine.accept(newEvent({ chat: visitor, sender: { userId: cy } }))
        expect(await customerOf(chat)).toEqual(await customerOf(cyIs))
        expect(await customerOf(cyIs)).toMatchObject({ name: 'Cy', language: undefined, fields: {} })
        for (const { id } of [first, second]) expect(await rowOf(id)).toMatchObject({ merged_into: null })
        // The first one comes back.
        await engine.accept(newEvent({ chat: visitor, sender: { userId: ann } }))
        expect(await customerOf(chat)).toEqual(first)
      })

      test('whoever writes and says who they are in any order, each chat is its latest user’s, and nothing is lost', async () => {
        const step = fc.record({
          visitor: fc.integer({ min: 0, max: 3 }),
          user: fc.option(fc.integer({ min: 0, max: 2 }), { nil: undefined }),
          does: fc.constantFrom('writes', 'opens', 'closes'),
        })
        await fc.assert(
          fc.asyncProperty(
            fc.array(fc.array(step, { minLength: 1, maxLength: 4 }), { maxLength: 12 }),
            async (batches) => {
              const run = newId()
              const latest = new Map<string, string>()
              const chats = new Map<string, string>()
              const said = new Map<string, number>()
              const seen = new Set<string>()
              const opened: { conversation: string; chat: string }[] = []
              for (const batch of batches) {
                const accepted = await Promise.all(
                  batch.map(({ visitor, user }) =>
                    engine.accept(
                      newEvent({
                        chat: `${run} ${visitor}`,
                        sender: user === undefined ? undefined : { userId: `${run} ${user}` },
                      }),
                    ),
                  ),
                )
                for (const [index, { visitor, user, does }] of batch.entries()) {
                  const chat = accepted[index]?.chat ?? ''
                  chats.set(`${run} ${visitor}`, chat)
                  said.set(chat, (said.get(chat) ?? 0) + 1)
                  if (user !== undefined) latest.set(chat, `${run} ${user}`)
                  const { customer, conversation } = await loaded(engine, chat)
                  seen.add(customer.id)
                  if (does === 'opens' && conversation === undefined) {
                    const now = newConversation()
                    await commit(engine, newChange(chat, { conversation: moved(now, 'opened') }))
                    opened.push({ conversation: now.id, chat })
                  } else if (does === 'closes' && conversation !== undefined)
                    await commit(engine, newChange(chat, { conversation: moved(closed(conversation), 'closed') }))
                }
              }
              const owners = new Map<string, string>()
              for (const [visitor, chat] of chats) {
                expect(await engine.findChat('test:shop', visitor)).toBe(chat)
                const { customer, conversation } = await loaded(engine, chat)
                const { user_id, merged_into } = await rowOf(customer.id)
                expect([user_id, merged_into]).toEqual([latest.get(chat) ?? null, null])
                if (user_id !== null) expect(owners.get(user_id) ?? customer.id).toBe(customer.id)
                if (user_id !== null) owners.set(user_id, customer.id)
                expect(await entriesOf(engine, chat)).toHaveLength(said.get(chat) ?? 0)
                const all = await conversationsOf(chat)
                expect(all).toHaveLength(opened.filter((one) => one.chat === chat).length)
                for (const one of all) {
                  const whose = await rowOf(one.customer)
                  expect(whose.merged_into).toBeNull()
                  if (one.state !== 'closed') expect(one.customer).toBe(customer.id)
                }
                expect(all.filter(({ state }) => state !== 'closed')).toHaveLength(conversation ? 1 : 0)
              }
              const users = await engine.read
                .selectFrom('customer')
                .select('user_id')
                .where('user_id', 'like', `${run} %`)
                .execute()
              expect(new Set(users.map(({ user_id }) => user_id)).size).toBe(users.length)
              // By each id that anybody has ever seen, somebody is found who is there.
              for (const id of seen) {
                const found = await engine.findCustomer(id)
                expect((await rowOf(found?.id ?? '')).merged_into).toBeNull()
              }
            },
          ),
          { numRuns: 40 },
        )
      })
    })

    describe('customers', () => {
      const customerOf = async (chat: string) => (await loaded(engine, chat)).customer
      const rowOf = (id: string) =>
        engine.read.selectFrom('customer').selectAll().where('id', '=', id).executeTakeFirst()
      const idOf = async (chat: string) => (await customerOf(chat)).id

      const found = async (filter: CustomerFilter, more: Partial<CustomerQuery> = {}) =>
        (await engine.findCustomers({ filter, sort: 'newest', limit: 50, ...more })).customers.map(({ id }) => id)

      test('are found by any part of their name, real name and ids, however those come to them', async () => {
        const [id, mark] = [`openID-${newId()}`, newId().slice(-8)]
        const chat = await newChat(engine, { chat: id, sender: { name: `Ｗang  Fang ${mark}` } })
        const customer = await idOf(chat)
        const finds = async (filter: CustomerFilter) => expect.soft(await found(filter), JSON.stringify(filter))
        for (const search of [`wang fang ${mark}`, `ＦＡＮＧ ${mark.toUpperCase()}`, id, id.slice(3).toUpperCase()])
          (await finds({ search })).toEqual([customer])
        ;(await finds({ name: `ng fang ${mark}` })).toEqual([customer])
        ;(await finds({ name: id })).toEqual([])
        ;(await finds({ id: mark })).toEqual([])
        ;(await finds({ id: id.slice(-20) })).toEqual([customer])
        ;(await finds({ among: [customer], search: 'wang' })).toEqual([customer])
        ;(await finds({ among: [customer], search: 'gnaw' })).toEqual([])

        await engine.patchCustomer(customer, { fields: { realName: `王芳${mark}` } }, T0)
        ;(await finds({ search: `芳${mark}` })).toEqual([customer])
        ;(await finds({ search: `fang ${mark}` })).toEqual([customer])
        // Two names are two: what stands at the end of one and the beginning of the other is in neither.
        ;(await finds({ search: `${mark}王芳` })).toEqual([])
        await commit(engine, newChange(chat, { customer: { name: `芳芳${mark}` } }))
        ;(await finds({ search: `fang ${mark}` })).toEqual([])
        ;(await finds({ name: `芳芳${mark}` })).toEqual([customer])
        const userId = `User-${newId()}`
        await engine.accept(newEvent({ chat: id, sender: { userId } }))
        ;(await finds({ id: userId.toUpperCase() })).toEqual([customer])
        const [second, account] = [newId(), `test:${newId()}`]
        await engine.accept(newEvent({ chat: second, account, sender: { userId } }))
        for (const one of [id, second]) (await finds({ id: one })).toEqual([customer])
        ;(await finds({ account })).toEqual([customer])
        ;(await finds({ account, name: '芳' })).toEqual([customer])
        ;(await finds({ account: account.slice(0, -1) })).toEqual([])
        await engine.tagCustomer(customer, { add: [`VIP ${mark}`] })
        ;(await finds({ tag: `VIP ${mark}` })).toEqual([customer])
        ;(await finds({ tag: `VIP` })).toEqual([])
        ;(await finds({ tag: `VIP ${mark}`, account, search: '王' })).toEqual([customer])
      })

      test('two characters of a Chinese name are enough, and so is one', async () => {
        const nowMs = T0 + 1000 * MINUTE
        const created = { fromMs: nowMs, untilMs: nowMs + 3 }
        const names = ['欧阳小龙', '李小龙', '小李']
        const chats = await Promise.all(names.map((name, i) => newChat(engine, { nowMs: nowMs + i, sender: { name } })))
        const [ouyang, bruce, li] = await Promise.all(chats.map(idOf))
        expect(await found({ created, search: '小龙' })).toEqual([bruce, ouyang])
        expect(await found({ created, search: '龙' })).toEqual([bruce, ouyang])
        expect(await found({ created, search: '李' })).toEqual([li, bruce])
        expect(await found({ created, search: '龙小' })).toEqual([])
      })

      test.each([
        '%',
        '_',
        '*',
        '"',
        "'",
        '\\',
        '(',
        '[a-z]',
        '.*',
        ':',
        'AND',
        'NEAR(a b)',
        '^a',
        '-',
        '😀',
        '\u0000',
        '　',
      ])('%s in a search is that character', async (text) => {
        const mark = newId().slice(-8)
        const [plain, other] = await Promise.all([
          newChat(engine, { sender: { name: `${mark}${text}z` } }),
          newChat(engine, { sender: { name: `${mark}xz` } }),
        ])
        const [has, hasNot] = [await idOf(plain), await idOf(other)]
        const ids = await found({ search: `${mark}${text}z` })
        expect(ids).toContain(has)
        expect(ids).not.toContain(hasNot)
        for (const key of ['search', 'name', 'id', 'tag', 'account'] as const) await found({ [key]: text })
      })

      test('pages have each customer once, in every order, also those of the same moment', async () => {
        const nowMs = T0 + 2000 * MINUTE
        const created = { fromMs: nowMs, untilMs: nowMs + MINUTE }
        const chats: string[] = []
        for (let i = 0; i < 20; i++)
          chats.push(await newChat(engine, { nowMs: nowMs + Math.floor(i / 7), sender: { name: `Page ${i}` } }))
        const last = new Map<string, number>()
        for (const chat of chats) last.set(await idOf(chat), (await rowOf(await idOf(chat)))?.last_at ?? 0)
        for (const sort of ['newest', 'oldest', 'last-message', 'longest-silent'] as const) {
          for (const filter of [{ created }, { created, search: 'page' }]) {
            const seen: string[] = []
            let cursor: CustomerQuery['cursor']
            for (let pages = 0; pages < 10; pages++) {
              const page = await engine.findCustomers({ filter, sort, cursor, limit: 3 })
              seen.push(...page.customers.map(({ id }) => id))
              cursor = page.next
              if (!cursor) break
            }
            expect(seen.toSorted()).toEqual([...last.keys()].toSorted())
            const times = seen.map((id) => last.get(id) ?? 0)
            const up = times.toSorted((a, b) => a - b)
            expect(times).toEqual(sort === 'newest' || sort === 'last-message' ? up.reverse() : up)
          }
        }
      })

      test('whom a team or person has served is listed for them, and nobody else', async () => {
        const nowMs = T0 + 3000 * MINUTE
        const created = { fromMs: nowMs, untilMs: nowMs + MINUTE }
        const [ofAmy, ofTeam, ofBot, elsewhere] = [newId(), newId(), newId(), newId()]
        const serve = async (chat: string, owner: Conversation['owner'], state: Conversation['state']) => {
          const made = await newChat(engine, { chat, nowMs })
          await commit(engine, newChange(made, { conversation: moved(newConversation({ owner, state }), 'opened') }))
          return idOf(made)
        }
        const [team, person] = [newId(), newId()]
        const amy = await serve(ofAmy, { kind: 'agent', desk: 'support', person }, 'assigned')
        const waiting = await serve(ofTeam, { kind: 'queue', desk: 'support', team }, 'queued')
        await serve(ofBot, { kind: 'bot', bot: 'faq' }, 'bot')
        await serve(elsewhere, { kind: 'queue', desk: 'other', team }, 'queued')
        const by = (teams: readonly string[], who: string) => ({ servedBy: { desk: 'support', teams, person: who } })
        for (const sort of ['newest', 'last-message'] as const) {
          for (const filter of [{ created }, { created, account: 'test:shop' }]) {
            expect.soft(await found(filter, { sort, ...by([], person) })).toEqual([amy])
            expect
              .soft((await found(filter, { sort, ...by([team], person) })).toSorted())
              .toEqual([amy, waiting].toSorted())
            expect.soft(await found(filter, { sort, ...by([team], '') })).toEqual([waiting])
            expect.soft(await found(filter, { sort, ...by([], '') })).toEqual([])
          }
        }
      })

      test('tags are added and removed, those of two who do it at once too', async () => {
        const customer = await idOf(await newChat(engine))
        await Promise.all([
          engine.tagCustomer(customer, { add: ['vip', 'new'] }),
          engine.tagCustomer(customer, { add: ['late', 'vip'], remove: ['new', 'never'] }),
        ])
        expect(await engine.findCustomer(customer)).toMatchObject({ tags: ['vip', 'late'] })
        expect(await engine.tagCustomer(customer, { remove: ['vip'] })).toEqual(['late'])
        expect(await engine.tagCustomer(newId(), { add: ['vip'] })).toBeUndefined()
      })

      test('two who are said to be one are one from then on, with the ids of both', async () => {
        const [chatOfOne, chatOfOther] = [newId(), newId()]
        const from = await newChat(engine, {
          chat: chatOfOne,
          account: 'test:one',
          nowMs: T0 - MINUTE,
          sender: { name: 'Ann', language: 'de', fields: { phone: '1', city: 'Bern' } },
        })
        const into = await newChat(engine, { chat: chatOfOther, sender: { name: 'Ann B', fields: { city: 'Basel' } } })
        const over = newConversation()
        await commit(engine, newChange(from, { conversation: moved(over, 'opened') }))
        await commit(engine, newChange(from, { conversation: moved(closed(over), 'closed') }))
        const [old, id] = [await idOf(from), await idOf(into)]
        await engine.tagCustomer(old, { add: ['a'] })
        await engine.tagCustomer(id, { add: ['b'] })
        const before = await rowOf(old)

        expect(await engine.mergeCustomers(old, id)).toBe('merged')
        expect(await customerOf(from)).toEqual({
          id,
          name: 'Ann B',
          language: 'de',
          tags: ['b', 'a'],
          fields: { phone: '1', city: 'Basel' },
        })
        expect(await engine.findCustomer(old)).toEqual(await customerOf(into))
        expect(await rowOf(id)).toMatchObject({ first_at: T0 - MINUTE, n: before?.n })
        for (const one of [chatOfOne, chatOfOther]) expect(await found({ id: one })).toEqual([id])
        expect(await found({ id: chatOfOne, name: 'ann b', tag: 'a' })).toEqual([id])
        expect(await found({ among: [old] })).toEqual([])
        expect(await rowOf(old)).toMatchObject({ name: before?.name, merged_into: id, n: null })
        const { customer } = await engine.read
          .selectFrom('conversation')
          .select('customer')
          .where('id', '=', over.id)
          .executeTakeFirstOrThrow()
        expect(customer).toBe(id)
        // The channels' own ids are as they were: what comes in there is theirs.
        await engine.accept(newEvent({ chat: chatOfOne, account: 'test:one', sender: { name: 'Anna' } }))
        expect(await engine.findCustomer(id)).toMatchObject({ name: 'Anna' })
        expect(await engine.mergeCustomers(old, id)).toBe('merged')
        expect(await engine.mergeCustomers(newId(), id)).toBe('not-found')
      })

      test('whoever was merged before goes along, and is found by any of the ids', async () => {
        const [a, b, c] = [
          await idOf(await newChat(engine)),
          await idOf(await newChat(engine)),
          await idOf(await newChat(engine)),
        ]
        await engine.mergeCustomers(a, b)
        await engine.mergeCustomers(b, c)
        for (const id of [a, b, c]) expect(await engine.findCustomer(id)).toMatchObject({ id: c })
      })

      test('whoever became another one, and signs in with them as a third, is the third by any of the ids', async () => {
        const [chatOfOne, chatOfOther, user] = [newId(), newId(), newId()]
        const one = await newChat(engine, { chat: chatOfOne })
        const other = await newChat(engine, { chat: chatOfOther })
        const known = await newChat(engine, { sender: { userId: user } })
        const ids = [await idOf(one), await idOf(other), await idOf(known)] as const
        await engine.mergeCustomers(ids[0], ids[1])
        for (const chat of [chatOfOne, chatOfOther]) await engine.accept(newEvent({ chat, sender: { userId: user } }))
        for (const id of ids) expect(await engine.findCustomer(id)).toMatchObject({ id: ids[2] })
        for (const chat of [one, other])
          for (const seq of [1, 2]) await commit(engine, newChange(chat, { turn: newTurn(seq) }))
        await commit(engine, newChange(known, { turn: newTurn(1) }))
        expect(await engine.eraseCustomer(ids[2], ERASING)).toMatchObject({ state: 'erased' })
        for (const id of ids) expect(await rowOf(id)).toBeUndefined()
      })

      test('what was taken away from one of two is no knowledge when they are one', async () => {
        const from = await idOf(await newChat(engine, { sender: { fields: { phone: '1', city: null } } }))
        const into = await idOf(await newChat(engine, { sender: { fields: { phone: null, city: 'Basel' } } }))
        await engine.mergeCustomers(from, into)
        expect(await engine.findCustomer(into)).toMatchObject({ fields: { phone: '1', city: 'Basel' } })
      })

      test('a name that our side gave stays when they write again, and when they are one with another', async () => {
        const [visitor, elsewhere] = [newId(), newId()]
        const id = await idOf(await newChat(engine, { chat: visitor, sender: { name: 'happy cat' } }))
        await engine.patchCustomer(id, { name: 'Wang Fang' }, T0)
        const writes = (chat: string) =>
          engine.accept(newEvent({ chat, sender: { name: 'happy dog', language: 'zh' } }))
        await writes(visitor)
        expect(await engine.findCustomer(id)).toMatchObject({ name: 'Wang Fang', language: 'zh' })
        const other = await idOf(await newChat(engine, { chat: elsewhere, sender: { name: 'Fang' } }))
        await engine.mergeCustomers(id, other)
        await writes(elsewhere)
        expect(await engine.findCustomer(other)).toMatchObject({ name: 'Wang Fang' })
        await engine.patchCustomer(other, { name: 'Wang Fang 2' }, T0)
        expect(await engine.findCustomer(other)).toMatchObject({ name: 'Wang Fang 2' })
      })

      test('who is known elsewhere stays known when merged, and two who are cannot be one', async () => {
        const [ann, bo] = [newId(), newId()]
        const known = await newChat(engine, { sender: { userId: ann } })
        const other = await newChat(engine, { sender: { userId: bo } })
        const visitor = newId()
        const nobody = await newChat(engine, { chat: visitor })
        expect(await engine.mergeCustomers(await idOf(known), await idOf(other))).toBe('known-apart')
        expect(await engine.mergeCustomers(await idOf(known), await idOf(nobody))).toBe('merged')
        const id = await idOf(nobody)
        expect(await idOf(known)).toBe(id)
        const again = await newChat(engine, { sender: { userId: ann } })
        expect(await idOf(again)).toBe(id)
      })

      test('of one who is not erased yet nothing is forgotten: no command is done twice, and what was done is known', async () => {
        const chat = await newChat(engine)
        const id = await idOf(chat)
        const open = newConversation()
        const command = { id: newId(), type: 'send', by: AMY, result: { ok: true }, ...KEPT, body: {} } as const
        await commit(engine, newChange(chat, { turn: newTurn(1), conversation: moved(open, 'opened'), command }))
        const deed = { id: newId(), at: T0, by: AMY, action: 'customers.change', instance: 'support' }
        await engine.audit({ ...deed, before: { phone: '1' }, after: { about: { customer: id }, is: { phone: '2' } } })
        expect(await engine.eraseCustomer(id, ERASING)).toEqual({ state: 'busy', entries: 0 })
        expect(await engine.findCommand(command.id)).toEqual({ ok: true })
        const kept = await engine.read.selectFrom('audit').selectAll().where('id', '=', deed.id).execute()
        expect(kept).toMatchObject([{ before_json: JSON.stringify({ phone: '1' }) }])
      })

      test('what is still to be forgotten of one who is erased is forgotten after a crash', async () => {
        const chat = await newChat(engine)
        const [id, deed] = [await idOf(chat), newId()]
        const about = { customer: id }
        await engine.audit({
          id: deed,
          at: T0,
          by: AMY,
          action: 'customers.change',
          before: 'secret',
          after: { about },
          instance: 'support',
        })
        const knownAs = JSON.stringify(await engine.knownAs(id))
        await engine.write([{ sql: "INSERT INTO erasure VALUES (?, '', ?, ?)", parameters: [id, T0, knownAs] }])
        await engine.forgetErased()
        const kept = await engine.read.selectFrom('audit').selectAll().where('id', '=', deed).execute()
        expect(kept).toMatchObject([{ before_json: null, after_json: JSON.stringify({ about }) }])
        expect(await engine.read.selectFrom('erasure').selectAll().where('customer', '=', id).execute()).toEqual([])
      })

      test('one is erased with all that was said, and comes back as somebody new', async () => {
        const [theirs, another] = [newId(), newId()]
        const chat = await newChat(engine, {
          chat: theirs,
          sender: { name: 'Secret Ann' },
          media: [{ id: newId(), source: 'https://x/secret', type: 'image' }],
        })
        const merged = await newChat(engine, { sender: { name: 'Secret Bo' } })
        const stays = await newChat(engine, { chat: another, sender: { name: 'Stays' } })
        const [id, old, stayed] = [await idOf(chat), await idOf(merged), await idOf(stays)]
        const open = newConversation()
        await commit(
          engine,
          newChange(chat, {
            turn: newTurn(1),
            conversation: moved(open, 'opened'),
            states: [{ instance: 'survey', body: { of: 'secret' } }],
            wakes: [{ instance: 'survey', key: 'later', dueAtMs: T0 + MINUTE }],
            entries: [said('a secret answer')],
            deliveries: [newDelivery('a secret answer')],
          }),
        )
        expect(await engine.eraseCustomer(id, ERASING)).toEqual({ state: 'busy', entries: 0 })
        for (const delivery of await deliveriesOf(engine, chat)) await engine.recordDelivery(result(delivery))
        const command = {
          id: newId(),
          type: 'close',
          by: AMY,
          result: { ok: true },
          ...KEPT,
          body: { type: 'secret' },
        } as const
        await commit(engine, newChange(chat, { conversation: moved(closed(open), 'closed'), command }))
        const many = Array.from({ length: 450 }, (_, i) => said(`secret ${i}`))
        await commit(engine, newChange(chat, { entries: many }))
        await commit(engine, newChange(merged, { turn: newTurn(1) }))
        await engine.mergeCustomers(old, id)
        const deed = { id: newId(), at: T0, by: AMY, action: 'customers.change', instance: 'support' }
        const about = { customer: id }
        const who = { who: 'crm', from: '10.0.0.1', about }
        await engine.audit({ ...deed, before: { phone: 'secret 1' }, after: { ...who, is: { phone: 'secret 2' } } })
        await engine.audit({
          ...deed,
          id: newId(),
          action: 'desk.close',
          before: 'assigned',
          after: { about: { conversation: open.id }, is: 'secret reason' },
        })
        await engine.migrate('survey', { '1-stars': 'CREATE TABLE stars (chat TEXT)' })
        await engine.publish('suggestions', { conversation: open.id, text: 'secret' }, T0)
        await engine.publish('suggestions', { conversation: newId(), text: 'of somebody else' }, T0)
        await engine.publish('suggestions', { conversation: open.id, text: 'secret again' }, T0)
        const knownAs = await engine.knownAs(old)
        expect(knownAs?.ids.toSorted()).toEqual([id, old].toSorted())
        expect(knownAs?.chats.map((one) => one.id).toSorted()).toEqual([chat, merged].toSorted())
        expect(knownAs?.conversations).toEqual([open.id])

        expect(await engine.eraseCustomer(old, ERASING)).toEqual({ state: 'erased', entries: 453 })
        expect(await engine.findCustomer(id)).toBeUndefined()
        expect(await engine.findCustomer(old)).toBeUndefined()
        expect(await found({ id: theirs })).toEqual([])
        expect(await found({ search: 'secret' })).toEqual([])
        expect(await engine.load(chat)).toBeUndefined()
        for (const table of [
          'customer',
          'chat',
          'entry',
          'conversation',
          'conversation_change',
          'delivery',
          'command',
          'media',
          'audit',
          'state',
          'wake',
          'feed',
        ] as const) {
          const rows = JSON.stringify(await engine.read.selectFrom(table).selectAll().execute())
          for (const gone of ['secret', 'Secret', theirs, chat]) expect.soft(rows, table).not.toContain(gone)
        }
        const kept = await engine.read.selectFrom('audit').selectAll().where('id', '=', deed.id).execute()
        expect(kept).toMatchObject([{ before_json: null, after_json: JSON.stringify(who) }])
        expect(await customerOf(stays)).toMatchObject({ id: stayed, name: 'Stays' })
        const suggested: [number, unknown][] = []
        engine.subscribe('suggestions', 0, (item, n) => suggested.push([n, item]))
        await engine.publish('suggestions', 'later', T0)
        await expect
          .poll(() => suggested)
          .toMatchObject([
            [2, { text: 'of somebody else' }],
            [4, 'later'],
          ])

        // Whoever has tables here, and whoever was named, has still to erase what is theirs.
        const left = await engine.read
          .selectFrom('erasure')
          .selectAll()
          .where('customer', '=', id)
          .orderBy('instance')
          .execute()
        expect(left).toMatchObject([
          { customer: id, instance: 'survey', at: ERASING.nowMs },
          { customer: id, instance: 'visitors', at: ERASING.nowMs },
        ])
        expect(left.map((row) => JSON.parse(row.known_as_json))).toEqual([knownAs, knownAs])
        expect(await engine.eraseCustomer(id, ERASING)).toEqual({ state: 'not-found', entries: 0 })
        const back = await newChat(engine, { chat: theirs })
        expect(await customerOf(back)).toMatchObject({ name: undefined, tags: [] })
      })

      test('of a browser that two have used, what the one did outside a conversation goes with them', async () => {
        const [visitor, ann, bo] = [newId(), newId(), newId()]
        const sent = (userId: string, text: string) => newEvent({ chat: visitor, sender: { userId }, text })
        const chat = await newChat(engine, { chat: visitor, sender: { userId: ann }, text: 'Ann was turned away' })
        const first = await idOf(chat)
        await engine.accept(sent(bo, 'Bo was, too'))
        const second = await idOf(chat)
        await engine.accept(sent(ann, 'Ann is back'))
        for (const seq of [1, 2, 3]) await commit(engine, newChange(chat, { turn: newTurn(seq) }))
        expect(await idOf(chat)).toBe(first)
        expect(await engine.eraseCustomer(first, ERASING)).toEqual({ state: 'erased', entries: 2 })
        expect(await idOf(chat)).toBe(second)
        const left = JSON.stringify(await entriesOf(engine, chat))
        expect(left).toContain('Bo was, too')
        expect(left).not.toContain('Ann')
        expect(await engine.eraseCustomer(second, ERASING)).toEqual({ state: 'erased', entries: 1 })
        expect(await engine.load(chat)).toBeUndefined()
      })

      test('of a browser that two have used, one is erased and the other keeps what was said with them', async () => {
        const visitor = newId()
        const [ann, bo] = [newId(), newId()]
        const chat = await newChat(engine, { chat: visitor, sender: { userId: ann, name: 'Ann' } })
        const first = await idOf(chat)
        const conversation = newConversation()
        const said1 = said('to Ann', { conversation: conversation.id })
        await commit(
          engine,
          newChange(chat, { turn: newTurn(1), conversation: moved(conversation, 'opened'), entries: [said1] }),
        )
        await commit(engine, newChange(chat, { conversation: moved(closed(conversation), 'closed') }))
        await engine.accept(newEvent({ chat: visitor, sender: { userId: bo, name: 'Bo' }, text: 'Bo is here' }))
        await commit(engine, newChange(chat, { turn: newTurn(3) }))
        const second = await idOf(chat)
        expect(await engine.eraseCustomer(second, ERASING)).toMatchObject({ state: 'erased' })
        expect(await idOf(chat)).toBe(first)
        const left = await entriesOf(engine, chat)
        expect(left.map(({ id }) => id)).toContain(said1.id)
        expect(JSON.stringify(left)).not.toContain('Bo is here')
      })
    })

    describe('commit', () => {
      test('a turn ends in one change: outcome, trace, reply, conversation, state, wake and question', async () => {
        const chat = await newChat(engine)
        const conversation = newConversation()
        const question = { instance: 'survey', key: 'stars', untilMs: T0 + MINUTE }
        const shown = { choices: [{ id: 'a', label: 'Yes' }] }
        const committed = await commit(
          engine,
          newChange(chat, {
            expect: { epoch: 0, conversation: null, nothingWaiting: true },
            turn: newTurn(1, { conversation: conversation.id, facts: { language: 'en' }, trace: STEPS }),
            conversation: moved(conversation, 'opened'),
            states: [{ instance: 'survey', body: { asked: true } }],
            wakes: [{ instance: 'survey', key: 'late', dueAtMs: T0 + MINUTE }],
            question,
            shown,
            customer: { name: 'Cy' },
            entries: [said('Hi', { conversation: conversation.id })],
            deliveries: [newDelivery('Hi')],
          }),
        )
        expect(committed.seqs).toEqual([2])
        expect(committed.pending).toBe(0)
        expect(committed.sending).toMatchObject([
          { chat, account: 'test:shop', seq: 2, part: 0, by: BOT, conversation: conversation.id, attempts: 0 },
        ])
        const now = await loaded(engine, chat)
        expect(now).toMatchObject({ seq: 2, next: undefined, waitingMessages: 0, openDeliveries: 1, question, shown })
        expect(now.conversation).toEqual(conversation)
        expect(now.customer.name).toBe('Cy')
        expect(now.states).toEqual(new Map([['survey', { asked: true }]]))
        const [entry] = await entriesOf(engine, chat)
        expect(entry).toMatchObject({ outcome: 'answered', because: 'faq knew', conversation: conversation.id })
        expect(JSON.parse(entry?.trace_json ?? '')).toEqual(STEPS)
        expect(JSON.parse(entry?.facts_json ?? '')).toEqual({ language: 'en' })
        expect(await engine.findConversation(conversation.id)).toEqual({ chat, conversation })
      })

      test('a turn that has ended cannot end again, and nothing of the second try is kept', async () => {
        const chat = await newChat(engine)
        await commit(engine, newChange(chat, { turn: newTurn(1) }))
        const change = newChange(chat, { turn: newTurn(1, { outcome: 'failed' }), entries: [said('again')] })
        expect(await engine.commit(change)).toEqual({ ok: false, why: 'epoch' })
        expect(await entriesOf(engine, chat)).toMatchObject([{ outcome: 'answered' }])
        expect((await loaded(engine, chat)).seq).toBe(1)
      })

      test('whoever was taken over from commits nothing', async () => {
        const chat = await newChat(engine)
        await engine.takeOver(chat)
        const change = newChange(chat, { expect: { epoch: 0 }, turn: newTurn(1), states: [{ instance: 'a', body: 1 }] })
        expect(await engine.commit(change)).toEqual({ ok: false, why: 'epoch' })
        const now = await loaded(engine, chat)
        expect(now).toMatchObject({ epoch: 1, next: { seq: 1 }, states: new Map() })
        expect((await engine.commit({ ...change, expect: { epoch: 1 } })).ok).toBe(true)
      })

      test('a change under an old lease, or for another conversation than the open one, is refused', async () => {
        const chat = await newChat(engine)
        const conversation = newConversation({ lease: 3 })
        await commit(engine, newChange(chat, { conversation: moved(conversation, 'opened') }))
        const refused = { ok: false, why: 'conversation' }
        const expecting = (expected: { id: string; lease: number } | null) =>
          engine.commit(newChange(chat, { expect: { conversation: expected }, entries: [said('late')] }))
        expect(await expecting({ id: conversation.id, lease: 2 })).toEqual(refused)
        expect(await expecting({ id: newId(), lease: 3 })).toEqual(refused)
        expect(await expecting(null)).toEqual(refused)
        expect((await expecting({ id: conversation.id, lease: 3 })).ok).toBe(true)
        expect((await engine.commit(newChange(chat))).ok).toBe(true)
        expect((await loaded(engine, chat)).seq).toBe(2)
      })

      test('a customer who has written is not closed upon', async () => {
        const external = newId()
        const chat = await newChat(engine, { chat: external })
        const close = newChange(chat, { expect: { nothingWaiting: true } })
        expect(await engine.commit(close)).toEqual({ ok: false, why: 'waiting' })
        // The turn's own message does not count, and neither does what is no message.
        const follow = { id: newId(), chat: external, type: 'follow', atMs: T0 } as const
        await engine.accept(newEvent({ event: follow }))
        expect((await engine.commit({ ...close, turn: newTurn(1) })).ok).toBe(true)
        expect((await engine.commit(close)).ok).toBe(true)
        await engine.accept(newEvent({ chat: external }))
        expect(await engine.commit({ ...close, turn: newTurn(2) })).toEqual({ ok: false, why: 'waiting' })
      })

      test('of a turn and of a command it is kept when in their chat they came, for a replay', async () => {
        const chat = await newChat(engine)
        const began = { revision: 'ba9876543210', atMs: T0 + 5, seq: 1 }
        await commit(engine, newChange(chat, { turn: newTurn(1, { began }), entries: [said('one'), said('two')] }))
        const command = { id: newId(), type: 'send', by: AMY, result: { ok: true }, ...KEPT } as const
        await commit(engine, newChange(chat, { command, entries: [said('three')] }))
        const entry = await engine.read.selectFrom('entry').selectAll().where('chat', '=', chat).executeTakeFirst()
        expect(entry).toMatchObject({ revision: 'ba9876543210', started_at: T0 + 5, started_seq: 1, done_seq: 3 })
        const kept = await engine.read.selectFrom('command').selectAll().where('id', '=', command.id).executeTakeFirst()
        expect(kept).toMatchObject({
          seen_seq: 1,
          seen_waiting: null,
          done_seq: 4,
          revision: KEPT.revision,
          trace_json: '[]',
        })
        expect(JSON.parse(kept?.body_json ?? '')).toEqual(KEPT.body)
      })

      test('a command with a known id does nothing and gives the first result', async () => {
        const chat = await newChat(engine)
        const result = { ok: true, conversation: newId() } as const
        const command = { id: newId(), type: 'send', by: AMY, result, ...KEPT }
        await commit(engine, newChange(chat, { command, entries: [said('once')] }))
        const other = { ...command, result: { ok: false, code: 'INVALID', message: 'no' } } as const
        const again = await engine.commit(
          newChange(chat, { command: other, expect: { epoch: 7 }, entries: [said('twice')] }),
        )
        expect(again).toEqual({ ok: false, why: 'repeated', result })
        expect(await engine.findCommand(command.id)).toEqual(result)
        expect(await engine.findCommand(newId())).toBeUndefined()
        expect((await loaded(engine, chat)).seq).toBe(2)
      })

      test('a conversation keeps every change of its owner, and a closed one makes room for the next', async () => {
        const chat = await newChat(engine)
        const first = newConversation()
        const queued = { ...first, state: 'queued', lease: 2, owner: { kind: 'queue', desk: 'support' } } as const
        const assigned = {
          ...queued,
          state: 'assigned',
          lease: 3,
          owner: { kind: 'agent', desk: 'support', team: 'presale', person: 'amy' },
        } as const
        await commit(engine, newChange(chat, { conversation: moved(first, 'opened') }))
        await commit(engine, newChange(chat, { nowMs: T0 + 1, conversation: moved(queued, 'queued') }))
        await commit(engine, newChange(chat, { nowMs: T0 + 2, conversation: moved(assigned, 'assigned') }))
        expect((await loaded(engine, chat)).conversation).toEqual(assigned)
        const row = await engine.read
          .selectFrom('conversation')
          .selectAll()
          .where('id', '=', first.id)
          .executeTakeFirstOrThrow()
        expect(row).toMatchObject({ team: 'presale', person: 'amy', queued_at: T0 + 1, assigned_at: T0 + 2 })
        const over = closed(assigned)
        await commit(engine, newChange(chat, { nowMs: T0 + 3, conversation: moved(over, 'closed') }))
        expect((await loaded(engine, chat)).conversation).toBeUndefined()
        expect(await engine.findConversation(first.id)).toEqual({ chat, conversation: over })
        const next = newConversation()
        await commit(engine, newChange(chat, { expect: { conversation: null }, conversation: moved(next, 'opened') }))
        expect((await loaded(engine, chat)).conversation?.id).toBe(next.id)
        const changes = await engine.read
          .selectFrom('conversation_change')
          .select(['n', 'type', 'lease', 'at'])
          .where('conversation', '=', first.id)
          .orderBy('n')
          .execute()
        expect(changes).toEqual([
          { n: 1, type: 'opened', lease: 1, at: T0 },
          { n: 2, type: 'queued', lease: 2, at: T0 + 1 },
          { n: 3, type: 'assigned', lease: 3, at: T0 + 2 },
          { n: 4, type: 'closed', lease: 4, at: T0 + 3 },
        ])
      })

      test('a chat never has two open conversations', async () => {
        const chat = await newChat(engine)
        await commit(engine, newChange(chat, { conversation: moved(newConversation(), 'opened') }))
        const second = engine.commit(newChange(chat, { conversation: moved(newConversation(), 'opened') }))
        await expect(second).rejects.toMatchObject({ code: 'JOURNAL_WRITE' })
      })

      test('states, questions and choices are replaced and removed', async () => {
        const chat = await newChat(engine)
        const question = { instance: 'form', key: 'name', untilMs: T0 }
        const shown = { choices: [{ id: 'a', label: 'A' }] }
        await commit(engine, newChange(chat, { question, shown, states: [{ instance: 'form', body: { step: 1 } }] }))
        await commit(engine, newChange(chat, { question: null, states: [{ instance: 'form', body: { step: 2 } }] }))
        expect(await loaded(engine, chat)).toMatchObject({
          question: undefined,
          shown,
          states: new Map([['form', { step: 2 }]]),
        })
        await commit(engine, newChange(chat, { shown: null, states: [{ instance: 'form', body: null }] }))
        expect(await loaded(engine, chat)).toMatchObject({ shown: undefined, states: new Map() })
      })

      test('facts that come late are added to those that are there', async () => {
        const chat = await newChat(engine)
        const facts = { language: 'en', transcripts: { a: 'one' } }
        await commit(engine, newChange(chat, { turn: newTurn(1, { facts }) }))
        const lateFacts = { seq: 1, facts: { transcripts: { b: 'two' } } }
        await commit(engine, newChange(chat, { lateFacts }))
        const [entry] = await entriesOf(engine, chat)
        expect(JSON.parse(entry?.facts_json ?? '')).toEqual({ language: 'en', transcripts: { a: 'one', b: 'two' } })
      })

      test('an event of the chat’s own life waits behind what came before it', async () => {
        const external = newId()
        const chat = await newChat(engine, { chat: external })
        const conversation = newConversation()
        const life = { id: newId(), type: 'conversation.opened', atMs: T0, because: 'hello' } as const
        const entry = {
          ...said(''),
          id: life.id,
          kind: 'life',
          type: life.type,
          body: life,
          conversation: conversation.id,
        } as const
        const { pending } = await commit(
          engine,
          newChange(chat, {
            turn: newTurn(1),
            conversation: moved(conversation, 'opened'),
            entries: [said('Hi'), entry],
          }),
        )
        expect(pending).toBe(1)
        await engine.accept(newEvent({ chat: external }))
        const now = await loaded(engine, chat)
        expect(now.next).toMatchObject({ seq: 3, id: life.id, event: life, conversation: conversation.id })
        expect(now.waitingMessages).toBe(1)
        await commit(engine, newChange(chat, { turn: newTurn(3, { outcome: 'handled' }) }))
        expect((await loaded(engine, chat)).next).toMatchObject({ seq: 4, event: { type: 'message' } })
        expect(await entriesOf(engine, chat)).toMatchObject([{}, {}, { conversation: conversation.id }, {}])
      })

      test('an entry that failed waits for its time, and counts its failures until it is done', async () => {
        const chat = await newChat(engine)
        await engine.postpone(chat, 1, T0 + 100)
        await engine.postpone(chat, 1, T0 + 200)
        expect(await loaded(engine, chat)).toMatchObject({ dueAtMs: T0 + 200, next: { fails: 2 } })
        await commit(engine, newChange(chat, { turn: newTurn(1) }))
        await engine.postpone(chat, 1, T0 + 300)
        expect(await loaded(engine, chat)).toMatchObject({ dueAtMs: 0, next: undefined })
      })

      test('a change to a chat that is not there is refused by name', async () => {
        const change = engine.commit(newChange('nowhere'))
        await expect(change).rejects.toMatchObject({
          code: 'JOURNAL_WRITE',
          message: expect.stringContaining('nowhere'),
        })
      })
    })

    describe('allowances', () => {
      const allowance = 'message'

      async function chatWith(max: number | undefined, external = newId()) {
        return newChat(engine, { chat: external, grant: { ...ALLOWED, max } })
      }
      const left = async (chat: string) => (await loaded(engine, chat)).allowances

      test('a delivery takes one, and when none is left nothing of the change is kept', async () => {
        const chat = await chatWith(2)
        const granted = { on: 'message', grantedAtMs: T0, eventAtMs: T0, endsAtMs: T0 + MINUTE, max: 2, used: 0 }
        expect(await left(chat)).toEqual([granted])
        await send(engine, chat, 'one', { allowance })
        const two = newChange(chat, {
          turn: newTurn(1),
          entries: [said('two'), said('three')],
          deliveries: [newDelivery('two', { allowance }), newDelivery('three', { entry: 1, allowance })],
        })
        expect(await engine.commit(two)).toEqual({ ok: false, why: 'allowance' })
        expect(await left(chat)).toMatchObject([{ used: 1 }])
        expect((await loaded(engine, chat)).next?.seq).toBe(1)
        await send(engine, chat, 'two', { allowance })
        expect(await left(chat)).toMatchObject([{ used: 2 }])
      })

      test('what was made without one takes one when it is to be sent after all, as long as any is left', async () => {
        const chat = await chatWith(1)
        const [first, second] = [await send(engine, chat, 'one'), newDelivery('two')]
        await commit(engine, newChange(chat, { entries: [said('two')], deliveries: [second] }))
        expect(first?.allowance).toBeUndefined()
        expect(await engine.reserve(first?.id ?? '', allowance, T0)).toBe(true)
        expect(await engine.reserve(second.id, allowance, T0)).toBe(false)
        expect(await left(chat)).toMatchObject([{ used: 1 }])
        const { next } = await engine.recordDelivery(result(first ?? { id: '' }, { state: 'dead', code: 'X' }))
        expect(next).toMatchObject({ id: second.id, allowance: undefined })
        expect(await left(chat)).toMatchObject([{ used: 0 }])
      })

      test('none is left after the window, nor of a class that was never granted', async () => {
        const chat = await chatWith(undefined)
        const entries = [said('late')]
        const at = (nowMs: number, on = allowance) =>
          engine.commit(newChange(chat, { nowMs, entries, deliveries: [newDelivery('late', { allowance: on })] }))
        expect(await at(T0 + MINUTE)).toEqual({ ok: false, why: 'allowance' })
        expect(await at(T0, 'follow')).toEqual({ ok: false, why: 'allowance' })
        expect((await at(T0 + MINUTE - 1)).ok).toBe(true)
      })

      test('a grant that resets starts the count again; one that does not counts on until the window ends', async () => {
        const external = newId()
        const chat = await chatWith(5, external)
        await send(engine, chat, 'one', { allowance })
        const again = (nowMs: number, resets: boolean) =>
          engine.accept(
            newEvent({ chat: external, nowMs, grant: { ...ALLOWED, max: 5, resets, endsAtMs: nowMs + MINUTE } }),
          )
        await again(T0 + 10, false)
        expect(await left(chat)).toMatchObject([{ used: 1, grantedAtMs: T0, endsAtMs: T0 + MINUTE }])
        await again(T0 + 20, true)
        expect(await left(chat)).toMatchObject([{ used: 0, grantedAtMs: T0 + 20 }])
        await send(engine, chat, 'two', { allowance }, T0 + 30)
        await again(T0 + 2 * MINUTE, false)
        expect(await left(chat)).toMatchObject([{ used: 0, grantedAtMs: T0 + 2 * MINUTE }])
      })

      test('a window without end is one that is read back', async () => {
        const chat = await newChat(engine, {
          grant: { on: 'message', endsAtMs: T0 + Number.MAX_SAFE_INTEGER, resets: true },
        })
        expect((await left(chat))[0]?.endsAtMs).toBe(Number.MAX_SAFE_INTEGER)
        expect(await send(engine, chat, 'hi', { allowance })).toBeDefined()
      })

      test('what is dead or cancelled gives its allowance back, what is unknown does not', async () => {
        const chat = await chatWith(5)
        for (const state of ['dead', 'cancelled', 'unknown', 'sent'] as const) {
          const sending = await send(engine, chat, state, { allowance })
          await engine.recordDelivery(result(sending ?? { id: '' }, { state }))
        }
        expect(await left(chat)).toMatchObject([{ used: 2 }])
      })

      test('what was reserved under an older grant gives nothing back to a newer one', async () => {
        const external = newId()
        const chat = await chatWith(5, external)
        const old = await send(engine, chat, 'old', { allowance })
        await engine.accept(newEvent({ chat: external, nowMs: T0 + 10, grant: { ...ALLOWED, max: 5 } }))
        await engine.recordDelivery(result(old ?? { id: '' }, { state: 'unknown', nowMs: T0 + 20 }))
        await send(engine, chat, 'new', { allowance }, T0 + 30)
        await engine.recordDelivery(result(old ?? { id: '' }, { state: 'dead', nowMs: T0 + 40 }))
        expect(await left(chat)).toMatchObject([{ used: 1 }])
      })

      test('when the platform says that the window is closed, nothing is left in the chat', async () => {
        const external = newId()
        const chat = await chatWith(5, external)
        const sending = await send(engine, chat, 'one', { allowance })
        const dead = { state: 'dead', windowClosed: true, code: 'CHANNEL_WINDOW_CLOSED', nowMs: T0 + 5 } as const
        await engine.recordDelivery(result(sending ?? { id: '' }, dead))
        const next = newChange(chat, {
          nowMs: T0 + 6,
          entries: [said('x')],
          deliveries: [newDelivery('x', { allowance })],
        })
        expect(await engine.commit(next)).toEqual({ ok: false, why: 'allowance' })
        await engine.accept(newEvent({ chat: external, nowMs: T0 + 7, grant: { ...ALLOWED, resets: false } }))
        expect((await engine.commit({ ...next, nowMs: T0 + 8 })).ok).toBe(true)
      })

      test('when the window is closed, what waits behind the try ends with it, and each is told', async () => {
        const external = newId()
        const chat = await chatWith(5, external)
        const conversation = newConversation()
        const entries = [said('one', { conversation: conversation.id })]
        const deliveries = ['one', 'two', 'three'].map((text, part) => newDelivery(text, { part, allowance }))
        const { sending } = await commit(
          engine,
          newChange(chat, { turn: newTurn(1), conversation: moved(conversation, 'opened'), entries, deliveries }),
        )
        await engine.accept(newEvent({ chat: external, nowMs: T0 + 2_000, grant: { ...ALLOWED, max: 5 } }))
        await send(engine, chat, 'later', { allowance }, T0 + 2_000)
        const why = { code: 'CHANNEL_WINDOW_CLOSED', error: '45047 out of response count limit' }
        const dead = {
          state: 'dead',
          windowClosed: true,
          endsWaiting: true,
          nowMs: T0 + 3_000,
          ms: 2_000,
          ...why,
        } as const
        const recorded = await engine.recordDelivery(result(sending[0] ?? { id: '' }, dead))
        expect(recorded).toMatchObject({ ended: 2, next: { payload: { part: { text: 'later' } } } })
        const rows = await engine.read
          .selectFrom('delivery')
          .select(['state', 'code', 'error'])
          .where('chat', '=', chat)
          .orderBy('created_at')
          .orderBy('part')
          .execute()
        expect(rows).toEqual([
          ...Array(3).fill({ state: 'dead', ...why }),
          { state: 'sending', code: null, error: null },
        ])
        expect(await left(chat)).toMatchObject([{ used: 1 }])
        const types = (await entriesOf(engine, chat)).map(({ type }) => type)
        expect(types.filter((type) => type === 'delivery.failed')).toHaveLength(2)
      })

      test('whoever unfollows can be sent nothing, until something is granted again', async () => {
        const external = newId()
        const chat = await chatWith(5, external)
        const gone = { id: newId(), chat: external, type: 'unfollow', atMs: T0 } as const
        await engine.accept({ ...newEvent({ nowMs: T0 + 10 }), event: gone })
        expect(await left(chat)).toMatchObject([{ endsAtMs: T0 + 10, used: 5 }])
        await engine.accept(newEvent({ chat: external, nowMs: T0 + 20, grant: { ...ALLOWED, max: 5 } }))
        expect(await left(chat)).toMatchObject([{ used: 0, grantedAtMs: T0 + 20 }])
      })

      test('an unfollow that comes late takes nothing from what the customer has done after it', async () => {
        const external = newId()
        const chat = await chatWith(5, external)
        const { event } = newEvent({ chat: external })
        await engine.accept({
          ...newEvent({ nowMs: T0 + 10, grant: { ...ALLOWED, max: 5 } }),
          event: { ...event, atMs: T0 + 8 },
        })
        const gone = { id: newId(), chat: external, type: 'unfollow', atMs: T0 + 5 } as const
        await engine.accept({ ...newEvent({ nowMs: T0 + 20 }), event: gone })
        expect(await left(chat)).toMatchObject([{ endsAtMs: T0 + MINUTE, used: 0 }])
      })

      test('that the window was closed says nothing of the one that the customer opens while it is sent', async () => {
        const external = newId()
        const chat = await chatWith(5, external)
        const sending = await send(engine, chat, 'one', { allowance })
        await engine.accept(newEvent({ chat: external, nowMs: T0 + 2_000, grant: { ...ALLOWED, max: 5 } }))
        const dead = { state: 'dead', windowClosed: true, nowMs: T0 + 3_000, ms: 3_000 } as const
        await engine.recordDelivery(result(sending ?? { id: '' }, dead))
        expect(await left(chat)).toMatchObject([{ grantedAtMs: T0 + 2_000, endsAtMs: T0 + MINUTE, used: 0 }])
      })

      test('whatever happens, no more is reserved than was granted', async () => {
        const step = fc.oneof(
          fc.record({ kind: fc.constant('grant' as const), resets: fc.boolean(), max: fc.integer({ min: 1, max: 3 }) }),
          fc.record({ kind: fc.constant('send' as const), count: fc.integer({ min: 1, max: 3 }) }),
          fc.record({
            kind: fc.constant('record' as const),
            state: fc.constantFrom('sent' as const, 'dead' as const, 'unknown' as const, 'cancelled' as const),
          }),
          fc.record({ kind: fc.constant('wait' as const), ms: fc.integer({ min: 1, max: MINUTE }) }),
        )
        await fc.assert(
          fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
            const external = newId()
            const chat = await chatWith(2, external)
            let nowMs = T0
            let model = { endsAtMs: T0 + MINUTE, grantedAtMs: T0, max: 2, used: 0 }
            const open: { id: string; reservedAtMs: number }[] = []
            for (const one of steps) {
              nowMs += 1
              if (one.kind === 'wait') nowMs += one.ms
              if (one.kind === 'grant') {
                const endsAtMs = nowMs + MINUTE
                await engine.accept(newEvent({ chat: external, nowMs, grant: { ...one, on: 'message', endsAtMs } }))
                if (one.resets || model.endsAtMs <= nowMs) {
                  model = { endsAtMs, grantedAtMs: nowMs, max: one.max, used: 0 }
                }
              }
              if (one.kind === 'send') {
                const deliveries = Array.from({ length: one.count }, (_, part) => newDelivery('x', { part, allowance }))
                const committed = await engine.commit(newChange(chat, { nowMs, entries: [said('x')], deliveries }))
                const fits = model.endsAtMs > nowMs && model.used + one.count <= model.max
                expect(committed.ok).toBe(fits)
                if (fits) {
                  model.used += one.count
                  open.push(...deliveries.map(({ id }) => ({ id, reservedAtMs: nowMs })))
                }
              }
              const ended = one.kind === 'record' ? open.shift() : undefined
              if (one.kind === 'record' && ended !== undefined) {
                await engine.recordDelivery(result(ended, { state: one.state, nowMs }))
                const back = one.state === 'dead' || one.state === 'cancelled'
                if (back && ended.reservedAtMs >= model.grantedAtMs) model.used -= 1
              }
              expect(await left(chat)).toMatchObject([model])
            }
          }),
          { numRuns: process.env.LONG ? 200 : 15, seed: 20260823 },
        )
      })
    })

    describe('deliveries', () => {
      /** One entry with a delivery for every text. */
      async function sendAll(chat: string, texts: readonly string[], more: Partial<NewDelivery> = {}) {
        const deliveries = texts.map((text, part) => newDelivery(text, { part, ...more }))
        return commit(engine, newChange(chat, { entries: [said(texts.join())], deliveries }))
      }

      test('one is on its way at a time, in order, the next when it is recorded', async () => {
        const chat = await newChat(engine)
        const { sending } = await sendAll(chat, ['one', 'two'])
        expect(sending.map(textOfDelivery)).toEqual(['one'])
        expect(await send(engine, chat, 'three')).toBeUndefined()
        const heard: (string | undefined)[] = []
        let next = sending[0]
        while (next !== undefined) {
          heard.push(textOfDelivery(next))
          next = (await engine.recordDelivery(result(next, { platformId: `p-${textOfDelivery(next)}` }))).next
        }
        expect(heard).toEqual(['one', 'two', 'three'])
        expect(await deliveriesOf(engine, chat)).toMatchObject([
          { state: 'sent', attempts: 1, platform_id: 'p-one', done_at: T0 },
          { state: 'sent', platform_id: 'p-two' },
          { state: 'sent', platform_id: 'p-three' },
        ])
        expect((await loaded(engine, chat)).openDeliveries).toBe(0)
      })

      test('the channel and every desk have queues of their own', async () => {
        const chat = await newChat(engine)
        const { sending } = await commit(
          engine,
          newChange(chat, {
            entries: [said('x')],
            deliveries: [
              newDelivery('x'),
              newDelivery('', { destination: 'desk:a', payload: ITEM }),
              newDelivery('', { destination: 'desk:b', payload: ITEM, entry: { seq: 1 } }),
              newDelivery('', { destination: 'desk:b', payload: ITEM, part: 1 }),
            ],
          }),
        )
        expect(sending.map(({ destination, seq }) => [destination, seq])).toEqual([
          ['channel', 2],
          ['desk:a', 2],
          ['desk:b', 1],
        ])
        expect((await loaded(engine, chat)).openDeliveries).toBe(1)
      })

      test('what was committed first leaves first, also when it belongs to a later entry', async () => {
        const chat = await newChat(engine)
        const tell = async (type: 'returned' | 'closed', entry: NewDelivery['entry']) => {
          const payload = { kind: 'desk', item: { type, conversation: 'c', because: 'b' } } as const
          const deliveries = [newDelivery('', { destination: 'desk:a', payload, entry })]
          return commit(engine, newChange(chat, { entries: [said('x')], deliveries }))
        }
        const { sending } = await tell('closed', 0)
        await tell('returned', 0)
        await tell('closed', { seq: 1 })
        const order = []
        let next = sending[0]
        while (next !== undefined) {
          order.push(next.seq)
          next = (await engine.recordDelivery(result(next))).next
        }
        expect(order).toEqual([2, 3, 1])
      })

      test('one that is tried again holds back those behind it, until it has held them long enough', async () => {
        await alone(async (own) => {
          const chat = await newChat(own)
          const first = await send(own, chat, 'picture', { holdUntilMs: T0 + 1000 })
          await send(own, chat, 'text', { holdUntilMs: T0 + 1000 })
          const retry = result(first ?? { id: '' }, {
            state: 'pending',
            nextAtMs: T0 + 5000,
            code: 'SLOW',
            error: 'slow',
          })
          expect((await own.recordDelivery(retry)).next).toBeUndefined()
          const early = await own.claimDue(T0 + 999, { limit: 10, paused: [] })
          expect(early).toMatchObject({ deliveries: [], nextAtMs: T0 + 1000 })
          const later = await own.claimDue(T0 + 1000, { limit: 10, paused: [] })
          expect(later.deliveries.map(textOfDelivery)).toEqual(['text'])
          // While that one is on its way, the first one waits even when it is due.
          expect((await own.claimDue(T0 + 5000, { limit: 10, paused: [] })).deliveries).toEqual([])
          const sent = result(later.deliveries[0] ?? { id: '' }, { nowMs: T0 + 5000 })
          const { next } = await own.recordDelivery(sent)
          expect(next).toMatchObject({ id: first?.id, attempts: 1 })
          const attempts = await own.read.selectFrom('delivery_attempt').selectAll().orderBy('n').execute()
          expect(attempts).toMatchObject([
            { delivery: first?.id, n: 1, ms: 5, ok: 0, code: 'SLOW', error: 'slow' },
            { delivery: later.deliveries[0]?.id, n: 1, ok: 1 },
          ])
        })
      })

      test('one that is due goes before what is said now, however long it has waited', async () => {
        const chat = await newChat(engine)
        await sendLater(engine, chat, 'from before the night', { holdUntilMs: T0 + 1 })
        expect(await send(engine, chat, 'in the morning', {}, T0 + 1000)).toBeUndefined()
        const { deliveries } = await engine.claimDue(T0 + 1000, { limit: 500, paused: [] })
        expect(deliveries.filter((one) => one.chat === chat).map(textOfDelivery)).toEqual(['from before the night'])
      })

      test('a try that does not count costs no attempt', async () => {
        const chat = await newChat(engine)
        const first = await send(engine, chat, 'one')
        const paused = { state: 'pending', counts: false, nextAtMs: T0 } as const
        const { next } = await engine.recordDelivery(result(first ?? { id: '' }, paused))
        expect(next).toMatchObject({ id: first?.id, attempts: 0 })
      })

      test('what is recorded of one that has ended is ignored', async () => {
        const chat = await newChat(engine)
        const first = await send(engine, chat, 'one')
        await engine.recordDelivery(result(first ?? { id: '' }))
        await engine.recordDelivery(result(first ?? { id: '' }, { state: 'dead' }))
        expect(await deliveriesOf(engine, chat)).toMatchObject([{ state: 'sent', attempts: 1 }])
        await expect(engine.recordDelivery(result({ id: newId() }))).rejects.toMatchObject({ code: 'JOURNAL_WRITE' })
      })

      test('one whose time is over is dead, gives its allowance back, and is an event of the chat', async () => {
        await alone(async (own) => {
          const chat = await newChat(own, { grant: { ...ALLOWED, max: 5 } })
          const conversation = newConversation()
          await commit(own, newChange(chat, { turn: newTurn(1), conversation: moved(conversation, 'opened') }))
          const expiring = { expiresAtMs: T0 + 10, allowance: 'message' } as const
          const of = { conversation: conversation.id }
          await sendLater(own, chat, 'old', expiring, of)
          await send(own, chat, 'new')
          // Not even on a paused account does it wait longer.
          const due = await own.claimDue(T0 + 10, { limit: 10, paused: ['test:shop'] })
          expect(due.chats).toEqual([chat])
          expect(due.deliveries).toEqual([])
          expect(due.expired).toEqual([{ account: 'test:shop', destination: 'channel' }])
          expect(await deliveriesOf(own, chat)).toMatchObject([
            { state: 'dead', code: 'EXPIRED' },
            { state: 'pending' },
          ])
          const now = await loaded(own, chat)
          expect(now.allowances).toMatchObject([{ used: 0 }])
          const part = { type: 'text', text: 'old' }
          expect(now.next).toMatchObject({
            conversation: conversation.id,
            event: { type: 'delivery.failed', code: 'EXPIRED', content: part },
          })
          const then = await own.claimDue(T0 + 10, { limit: 10, paused: [] })
          expect(then.deliveries.map(textOfDelivery)).toEqual(['new'])
        })
      })

      test('a failure that is an event of the chat is one in the same change', async () => {
        const chat = await newChat(engine)
        await commit(engine, newChange(chat, { turn: newTurn(1) }))
        const sending = await send(engine, chat, 'one')
        const event = {
          id: newId(),
          type: 'delivery.failed',
          atMs: T0,
          code: 'CHANNEL_REFUSED',
          content: 'one',
        } as const
        const life = { ...said(''), id: event.id, kind: 'life', type: event.type, body: event } as const
        const recorded = await engine.recordDelivery(result(sending ?? { id: '' }, { state: 'dead', life }))
        expect(recorded.pending).toBe(1)
        expect((await loaded(engine, chat)).next?.event).toEqual(event)
      })

      test('a failure is no event without a conversation, nor when what failed was the answer to such an event', async () => {
        await alone(async (own) => {
          const expiresAtMs = T0 + 10
          const outside = await newChat(own)
          await commit(own, newChange(outside, { turn: newTurn(1) }))
          await sendLater(own, outside, 'in no conversation', { expiresAtMs })

          const chat = await newChat(own)
          const conversation = newConversation()
          const event = { id: newId(), type: 'delivery.failed', atMs: T0, code: 'NO', content: 'one' } as const
          const of = { conversation: conversation.id }
          const life = { ...said('', of), id: event.id, kind: 'life', type: event.type, body: event } as const
          await commit(
            own,
            newChange(chat, { turn: newTurn(1), conversation: moved(conversation, 'opened'), entries: [life] }),
          )
          const { sending } = await commit(
            own,
            newChange(chat, {
              turn: newTurn(2),
              entries: [said('Sorry', { ...of, answers: event.id })],
              deliveries: [newDelivery('Sorry'), newDelivery('Really', { part: 1, expiresAtMs })],
            }),
          )
          const dead = { state: 'dead', life: { ...life, id: newId() }, takeNext: false } as const
          expect(await own.recordDelivery(result(sending[0] ?? { id: '' }, dead))).toMatchObject({ pending: 0 })

          expect((await own.claimDue(T0 + 10, { limit: 10, paused: [] })).chats).toEqual([])
          expect((await deliveriesOf(own, outside)).map((row) => row.code)).toEqual(['EXPIRED'])
          expect((await deliveriesOf(own, chat)).map((row) => row.code)).toEqual([null, 'EXPIRED'])
          expect(await loaded(own, chat)).toMatchObject({ next: undefined })
        })
      })

      test('what can only go inside a response waits for the next event of its chat', async () => {
        await alone(async (own) => {
          const chat = await newChat(own)
          await send(own, chat, 'one', { start: 'next-event' })
          await send(own, chat, 'two', { start: 'next-event' })
          expect(await own.claimDue(T0 + MINUTE, { limit: 10, paused: [] })).toMatchObject({ deliveries: [] })
          const [one, two] = await own.held(chat)
          const ids = [one?.id ?? '', two?.id ?? '']
          expect([one?.part, two?.part]).toMatchObject([{ text: 'one' }, { text: 'two' }])
          const claimed = await own.claimHeld(ids, T0)
          expect(claimed.map(textOfDelivery)).toEqual(['one', 'two'])
          expect(await own.held(chat)).toEqual([])
          expect(await own.claimHeld(ids, T0)).toEqual([])
          // Without a time to try again it waits for the next event as it did before.
          await own.recordDelivery(result({ id: ids[0] ?? '' }, { state: 'pending' }))
          expect((await own.claimHeld(ids, T0)).map(textOfDelivery)).toEqual(['one'])
        })
      })

      test('what is said inside a response goes whatever waits, and what is too old is not said in one', async () => {
        await alone(async (own) => {
          const chat = await newChat(own)
          await send(own, chat, 'one', { start: 'next-event', expiresAtMs: T0 + MINUTE })
          expect(textOfDelivery(await send(own, chat, 'two', { start: 'response' }))).toBe('two')
          const ids = (await own.held(chat)).map(({ id }) => id)
          expect(ids).toHaveLength(1)
          expect(await own.claimHeld(ids, T0 + MINUTE)).toEqual([])
        })
      })

      test('what stood inside the response to an entry is known, unless it has gone another way since', async () => {
        const inline = { stage: 'inline', by: 'core', did: 'in the response' }
        for (const [trace, first, then, known] of [
          [[inline], 'sent', undefined, 'Hello'],
          [[inline], 'unknown', undefined, 'Hello'],
          [[inline], 'pending', undefined, undefined],
          [[inline], 'pending', 'sent', undefined],
          [[], 'sent', undefined, undefined],
        ] as const) {
          const { chat, entry } = await engine.accept(newEvent())
          const change = newChange(chat, {
            turn: newTurn(1, { trace }),
            entries: [said('Hello', { answers: entry })],
            deliveries: [newDelivery('Hello', { start: 'response' })],
          })
          const [one] = (await commit(engine, change)).sending
          for (const state of [first, ...(then ? [then] : [])]) {
            await engine.recordDelivery(result({ id: one?.id ?? '' }, { state, nextAtMs: NEVER_MS }))
          }
          expect(textOfDelivery(await engine.saidInside(entry, T0))).toBe(known)
          expect(await engine.saidInside(entry, T0 + 1)).toBeUndefined()
        }
      })

      test('what the platform would refuse is recorded and never tried', async () => {
        const chat = await newChat(engine, { grant: { ...ALLOWED, max: 1 } })
        const dead = { start: 'dead', code: 'WINDOW_CLOSED', allowance: 'message' } as const
        expect(await send(engine, chat, 'one', dead)).toBeUndefined()
        expect(await deliveriesOf(engine, chat)).toMatchObject([{ state: 'dead', code: 'WINDOW_CLOSED', done_at: T0 }])
        expect(await loaded(engine, chat)).toMatchObject({ openDeliveries: 0, allowances: [{ used: 0 }] })
      })

      test('when a person takes over, what bots have not sent yet is cancelled', async () => {
        const chat = await newChat(engine, { grant: { ...ALLOWED, max: 3 } })
        const allowance = 'message'
        await sendAll(chat, ['on its way', 'waiting', 'waiting too'], { allowance })
        await send(engine, chat, '', { destination: 'desk:a', payload: ITEM })
        const entries = [said('I am Amy', { by: AMY })]
        const deliveries = [newDelivery('I am Amy', { by: AMY, allowance })]
        const { sending } = await commit(engine, newChange(chat, { cancel: 'bots', entries, deliveries }))
        expect(sending).toEqual([])
        expect((await loaded(engine, chat)).allowances).toMatchObject([{ used: 2 }])
        expect((await deliveriesOf(engine, chat)).map((row) => row.state)).toEqual([
          'sending',
          'cancelled',
          'cancelled',
          'sending',
          'pending',
        ])
        expect((await loaded(engine, chat)).openDeliveries).toBe(2)
      })

      test('when all programs are to be silent, what a person has said still goes', async () => {
        const chat = await newChat(engine)
        await send(engine, chat, 'on its way')
        for (const by of [{ kind: 'core' }, { kind: 'feature', name: 'f' }, AMY] as const)
          await commit(
            engine,
            newChange(chat, { entries: [said('x', { by })], deliveries: [newDelivery('x', { by })] }),
          )
        await commit(engine, newChange(chat, { cancel: 'programs' }))
        const states = (await deliveriesOf(engine, chat)).map((row) => row.state)
        expect(states).toEqual(['sending', 'cancelled', 'cancelled', 'pending'])
      })

      test('a change that takes the chat over leaves who handles it nothing to commit', async () => {
        const chat = await newChat(engine)
        await commit(engine, newChange(chat, { takesOver: true }))
        const change = newChange(chat, { expect: { epoch: 0 }, turn: newTurn(1) })
        expect(await engine.commit(change)).toEqual({ ok: false, why: 'epoch' })
        expect((await engine.commit({ ...change, expect: { epoch: 1 } })).ok).toBe(true)
      })

      test('when a person takes over, what a bot has on its way is not tried a second time', async () => {
        await alone(async (own, reopen) => {
          const chat = await newChat(own, { grant: { ...ALLOWED, max: 3 } })
          const other = await newChat(own)
          const allowance = 'message'
          const first = await send(own, chat, 'on its way', { allowance })
          await send(own, other, 'on its way too')
          await send(own, chat, '', { destination: 'desk:a', payload: ITEM })
          for (const taken of [chat, other]) await commit(own, newChange(taken, { cancel: 'bots' }))
          const entries = [said('I am Amy', { by: AMY })]
          await commit(own, newChange(chat, { entries, deliveries: [newDelivery('I am Amy', { by: AMY })] }))
          const again = { state: 'pending', nextAtMs: T0 + 1000, code: 'SLOW' } as const
          const { next, pending } = await own.recordDelivery(result(first ?? { id: '' }, again))
          expect(textOfDelivery(next)).toBe('I am Amy')
          expect(pending).toBe(0)
          expect(await deliveriesOf(own, chat)).toMatchObject([
            { state: 'cancelled', code: 'SLOW', attempts: 1, done_at: T0 },
            { destination: 'desk:a', state: 'sending' },
            { state: 'sending' },
          ])
          expect((await loaded(own, chat)).allowances).toMatchObject([{ used: 0 }])
          // What people say is tried again.
          expect((await own.recordDelivery(result(next ?? { id: '' }, again))).next).toBeUndefined()

          const after = await reopen()
          await after.recover(T0 + 5, [{ account: 'test:shop', nextAtMs: T0 + 5 }])
          expect(await deliveriesOf(after, other)).toMatchObject([{ state: 'unknown', code: 'UNKNOWN' }])
          const { deliveries } = await after.claimDue(T0 + MINUTE, { limit: 10, paused: [] })
          expect(deliveries.map(({ destination, by }) => [destination, by])).toEqual([
            ['desk:a', BOT],
            ['channel', AMY],
          ])
        })
      })

      test('when nobody is there to send it any more, the next one stays as it is', async () => {
        const chat = await newChat(engine)
        const { sending } = await sendAll(chat, ['one', 'two'])
        const last = result(sending[0] ?? { id: '' }, { takeNext: false })
        expect((await engine.recordDelivery(last)).next).toBeUndefined()
        expect((await deliveriesOf(engine, chat)).map((row) => row.state)).toEqual(['sent', 'pending'])
      })

      test('one that is dead or unknown can be sent again, if the platform would take it', async () => {
        await alone(async (own) => {
          const chat = await newChat(own, { grant: { ...ALLOWED, max: 1 } })
          const first = await send(own, chat, 'one', { allowance: 'message', expiresAtMs: T0 + 5 })
          const id = first?.id ?? ''
          await own.recordDelivery(result({ id }, { state: 'dead', code: 'NO' }))
          const other = await send(own, chat, 'two', { allowance: 'message' })
          await expect(own.resend(id, T0 + 10)).rejects.toMatchObject({ code: 'JOURNAL_WRITE' })
          await own.recordDelivery(result(other ?? { id: '' }, { state: 'cancelled' }))
          await own.resend(id, T0 + 10)
          await own.resend(id, T0 + 10)
          expect((await loaded(own, chat)).allowances).toMatchObject([{ used: 1 }])
          const { deliveries } = await own.claimDue(T0 + 10, { limit: 10, paused: [] })
          expect(deliveries).toMatchObject([{ id }])
          await own.recordDelivery(result({ id }, { state: 'sent' }))
          await expect(own.resend(id, T0 + 10)).rejects.toMatchObject({ code: 'JOURNAL_WRITE' })
        })
      })
    })

    describe('time', () => {
      test('a wake becomes an entry once, a later one with the same key in its place', async () => {
        await alone(async (own) => {
          const chat = await newChat(own)
          const wake = { instance: 'idle', key: 'warn' }
          await commit(own, newChange(chat, { turn: newTurn(1), wakes: [{ ...wake, dueAtMs: T0 + 100 }] }))
          await commit(own, newChange(chat, { wakes: [{ ...wake, dueAtMs: T0 + 200 }] }))
          expect(await own.claimDue(T0 + 199, { limit: 10, paused: [] })).toEqual({
            deliveries: [],
            expired: [],
            chats: [],
            nextAtMs: T0 + 200,
          })
          expect(await own.claimDue(T0 + 250, { limit: 10, paused: [] })).toEqual({
            deliveries: [],
            expired: [],
            chats: [chat],
            nextAtMs: undefined,
          })
          const { next, waitingMessages } = await loaded(own, chat)
          expect(next).toMatchObject({
            seq: 2,
            acceptedAtMs: T0 + 250,
            event: { ...wake, type: 'wake', atMs: T0 + 200 },
          })
          expect(next?.event.id).toBe(next?.id)
          expect(waitingMessages).toBe(0)
          expect((await own.claimDue(T0 + 300, { limit: 10, paused: [] })).chats).toEqual([])
        })
      })

      test('a postponed entry comes when its time has come', async () => {
        await alone(async (own) => {
          const chat = await newChat(own)
          await own.postpone(chat, 1, T0 + 100)
          expect(await own.claimDue(T0 + 99, { limit: 10, paused: [] })).toMatchObject({
            chats: [],
            nextAtMs: T0 + 100,
          })
          expect((await own.claimDue(T0 + 100, { limit: 10, paused: [] })).chats).toEqual([chat])
        })
      })

      test('of postponed entries that are due none is forgotten, and none is named twice', async () => {
        await alone(async (own) => {
          const chats = await Promise.all(Array.from({ length: 5 }, () => newChat(own)))
          for (const [i, chat] of chats.entries()) await own.postpone(chat, 1, T0 + i)
          const named: string[] = []
          let nextAtMs: number | undefined = T0 + 10
          for (let calls = 0; nextAtMs === T0 + 10; calls++) {
            expect(calls).toBeLessThan(4)
            const due = await own.claimDue(T0 + 10, { limit: 2, paused: [] })
            named.push(...due.chats)
            nextAtMs = due.nextAtMs
          }
          expect(named).toEqual(chats)
          expect(nextAtMs).toBeUndefined()
          // They may be handled at once, and still know how often they failed.
          expect(await loaded(own, chats[0] ?? '')).toMatchObject({ dueAtMs: 0, next: { fails: 1 } })
          await own.postpone(chats[0] ?? '', 1, T0 + 20)
          expect((await own.claimDue(T0 + 20, { limit: 2, paused: [] })).chats).toEqual([chats[0]])
        })
      })

      test('due deliveries are taken one for each chat, as many as asked for, except where nothing is to be sent now', async () => {
        await alone(async (own) => {
          const paused = await newChat(own, { account: 'test:paused' })
          await sendLater(own, paused, 'not now')
          await sendLater(own, paused, '', { destination: 'desk:a', payload: ITEM })
          await sendLater(own, paused, '', { destination: 'desk:down', payload: ITEM })
          for (const text of ['a', 'b', 'c']) {
            const chat = await newChat(own)
            await sendLater(own, chat, `${text}1`)
            await send(own, chat, `${text}2`)
          }
          const claim = (limit: number) => own.claimDue(T0, { limit, paused: ['test:paused', 'desk:down'] })
          const first = await claim(2)
          expect(first.nextAtMs).toBe(T0)
          const second = await claim(2)
          const third = await claim(2)
          const all = [...first.deliveries, ...second.deliveries, ...third.deliveries]
          const what = all.map((one) => (one.destination === 'channel' ? textOfDelivery(one) : one.destination))
          expect(what.toSorted()).toEqual(['a1', 'b1', 'c1', 'desk:a'])
          expect(third.nextAtMs).toBeUndefined()
          const now = (await own.claimDue(T0, { limit: 2, paused: [] })).deliveries
          expect(now.map(({ chat, destination }) => [chat, destination])).toEqual([
            [paused, 'channel'],
            [paused, 'desk:down'],
          ])
        })
      })

      test('after a crash what was being sent is unknown, and every chat with work is named', async () => {
        await alone(async (own, reopen) => {
          const external = newId()
          const chat = await newChat(own, { chat: external })
          await own.accept(newEvent({ chat: external }))
          const done = await newChat(own)
          await commit(own, newChange(done, { turn: newTurn(1) }))
          const sending = await send(own, done, 'one')
          await send(own, done, 'two')
          const again = await reopen()
          expect(await again.recover(T0 + 5)).toEqual({
            chats: [{ id: chat, account: 'test:shop', externalId: external, waiting: 2 }],
            unknown: [{ id: sending?.id, account: 'test:shop', destination: 'channel' }],
          })
          expect(await deliveriesOf(again, done)).toMatchObject([
            { state: 'unknown', attempts: 1 },
            { state: 'pending' },
          ])
          const attempts = await again.read.selectFrom('delivery_attempt').selectAll().execute()
          expect(attempts).toMatchObject([{ delivery: sending?.id, ok: 0, code: 'UNKNOWN' }])
          expect(await again.recover(T0 + 6)).toMatchObject({ unknown: [] })
          const { deliveries } = await again.claimDue(T0 + 6, { limit: 10, paused: [] })
          expect(deliveries.map(textOfDelivery)).toEqual(['two'])
          expect((await loaded(again, chat)).waitingMessages).toBe(2)
        })
      })

      test('after a crash what is sent again goes first, and a desk is always told again', async () => {
        await alone(async (own, reopen) => {
          const chat = await newChat(own)
          await send(own, chat, 'one')
          await send(own, chat, 'two')
          await send(own, chat, '', { destination: 'desk:a', payload: ITEM })
          const inside = await newChat(own, { account: 'test:inside' })
          const held = await send(own, inside, 'inside', { start: 'now' })
          const again = await reopen()
          const { unknown } = await again.recover(T0 + MINUTE, [
            { account: 'test:shop', nextAtMs: T0 + MINUTE },
            { account: 'test:inside', nextAtMs: NEVER_MS },
          ])
          expect(unknown).toEqual([])
          expect(await send(again, chat, 'three', {}, T0 + MINUTE)).toBeUndefined()
          const { deliveries } = await again.claimDue(T0 + MINUTE, { limit: 10, paused: [] })
          expect(deliveries.map((one) => [one.destination, one.attempts])).toEqual([
            ['channel', 1],
            ['desk:a', 1],
          ])
          expect(deliveries.map(textOfDelivery)[0]).toBe('one')
          const waits = (await again.held(inside)).map(({ id }) => id)
          expect(await again.claimHeld(waits, T0 + MINUTE)).toMatchObject([{ id: held?.id, attempts: 1 }])
          const attempts = await again.read.selectFrom('delivery_attempt').selectAll().execute()
          expect(attempts.map(({ ok, code }) => [ok, code])).toEqual(Array(3).fill([0, 'UNKNOWN']))
        })
      })
    })

    describe('feeds', () => {
      test('a subscriber gets every item after its number once and in order, those that are stored first', async () => {
        const topic = newId()
        for (let i = 1; i <= 250; i++) void engine.publish(topic, i, T0)
        await engine.publish(topic, 251, T0)
        const early: number[] = []
        const late: Json[] = []
        const all = [Promise.withResolvers<void>(), Promise.withResolvers<void>()] as const
        const stop = engine.subscribe(topic, 0, (item, n) => {
          early.push(n)
          if (n === 502) all[0].resolve()
          expect(item).toBe(n)
        })
        const numbers = Array.from({ length: 250 }, (_, i) => engine.publish(topic, 252 + i, T0))
        engine.subscribe(topic, 400, (item, n) => {
          late.push(item)
          if (n === 502) all[1].resolve()
        })
        expect(await Promise.all(numbers)).toEqual(Array.from({ length: 250 }, (_, i) => 252 + i))
        await engine.publish(topic, 502, T0)
        await Promise.all(all.map(({ promise }) => promise))
        expect(early).toEqual(Array.from({ length: 502 }, (_, i) => i + 1))
        expect(late).toEqual(Array.from({ length: 102 }, (_, i) => 401 + i))
        stop()
        await engine.publish(topic, 503, T0)
        expect(early).toHaveLength(502)
      })

      test('a subscriber that throws does not disturb the others', async () => {
        const topic = newId()
        const heard: Json[] = []
        const all = Promise.withResolvers<void>()
        engine.subscribe(topic, 0, () => {
          throw new Error('mine')
        })
        engine.subscribe(topic, 0, (item, n) => {
          heard.push(item)
          if (n === 2) all.resolve()
        })
        await engine.publish(topic, 'a', T0)
        await engine.publish(topic, 'b', T0)
        await all.promise
        expect(heard).toEqual(['a', 'b'])
      })
    })

    describe('plugins’ tables', () => {
      interface Ratings {
        rating: { id: string; score: number; at: number }
        entry: { id: string }
      }
      const MIGRATIONS = {
        '1-rating': `
          -- A table may be called as one of the core's: CREATE TABLE chat is only a comment here.
          CREATE TABLE rating (id TEXT PRIMARY KEY, score INTEGER NOT NULL CHECK (score IN (1, 2, 3, 4, 5)), at BIGINT);
          CREATE TABLE IF NOT EXISTS "entry" (id TEXT PRIMARY KEY REFERENCES rating (id) ON DELETE CASCADE ON UPDATE SET NULL);
          CREATE UNIQUE INDEX rating_at ON rating (at) WHERE at IS NOT NULL`,
        '2-copy': `
          CREATE TABLE tally (score INTEGER PRIMARY KEY, n INTEGER NOT NULL DEFAULT 0);
          INSERT INTO tally SELECT score, count(*) FROM rating AS r LEFT JOIN entry ON entry.id = r.id GROUP BY score;
          CREATE TRIGGER counted AFTER INSERT ON rating BEGIN
            INSERT INTO tally VALUES (NEW.score, 1) ON CONFLICT (score) DO UPDATE SET n = tally.n + 1;
          END;
          ALTER TABLE tally RENAME TO tallies`,
      }

      test('each instance has tables of its own, which reads and writes call by the plugin’s names', async () => {
        const one = engine.tablesOf<Ratings>('shop-rating')
        const two = engine.tablesOf<Ratings>('other-rating')
        await engine.migrate('shop-rating', MIGRATIONS)
        await engine.migrate('other-rating', MIGRATIONS)
        await one.insertInto('rating').values({ id: 'a', score: 5, at: T0 }).execute()
        const inserted = await two
          .insertInto('rating')
          .values({ id: 'a', score: 1, at: T0 })
          .onConflict((conflict) => conflict.column('id').doUpdateSet({ score: 2 }))
          .returning('score')
          .executeTakeFirst()
        expect(inserted).toEqual({ score: 1 })
        const rows = await one
          .selectFrom('rating as r')
          .leftJoin('entry', 'entry.id', 'r.id')
          .select(['r.score', 'entry.id as missing'])
          .where('r.id', '=', 'a')
          .execute()
        expect(rows).toEqual([{ score: 5, missing: null }])
        const updated = await one
          .updateTable('rating')
          .set({ score: 4 })
          .where('rating.id', '=', 'a')
          .executeTakeFirst()
        expect(updated.numUpdatedRows).toBe(1n)
        expect(await two.selectFrom('rating').select('rating.score').execute()).toEqual([{ score: 1 }])
        const deleted = await two.deleteFrom('rating').executeTakeFirst()
        expect(deleted.numDeletedRows).toBe(1n)
        expect(await one.selectFrom('rating').selectAll().execute()).toEqual([{ id: 'a', score: 4, at: T0 }])
      })

      test('migrations run once, and new ones after those that have run', async () => {
        const first = { a: 'CREATE TABLE one (x)' }
        await engine.migrate('steps', first)
        await engine.migrate('steps', first)
        await engine.migrate('steps', { ...first, b: 'CREATE TABLE two (x)' })
        const gone = engine.migrate('steps', { a2: 'CREATE TABLE one (x)', b: '' })
        await expect(gone).rejects.toMatchObject({
          code: 'JOURNAL_WRITE',
          message: expect.stringMatching(/steps.*"a" was applied.*no longer has it/),
        })
        const between = engine.migrate('steps', { ...first, c: 'CREATE TABLE three (x)', b: 'CREATE TABLE two (x)' })
        await expect(between).rejects.toMatchObject({ message: expect.stringContaining('New ones go last') })
      })

      test('a migration that fails is named, and leaves nothing half done', async () => {
        const bad = { good: 'CREATE TABLE kept (x)', bad: 'CREATE TABLE half (x); CREATE TABLE oops (' }
        await expect(engine.migrate('broken', bad)).rejects.toMatchObject({
          code: 'JOURNAL_WRITE',
          message: expect.stringMatching(/broken, migration "bad"/),
        })
        await engine.migrate('broken', { good: 'CREATE TABLE kept (x)', bad: 'CREATE TABLE half (x)' })
      })

      test('a migration cannot touch the journal’s own tables, nor end its transaction', async () => {
        const bad = [
          'COMMIT',
          'PRAGMA synchronous = OFF',
          'CREATE TABLE copy AS SELECT c.id FROM mine AS m, chat AS c',
          'INSERT INTO mine SELECT id FROM mine, chat',
        ]
        for (const [index, sql] of bad.entries()) {
          const migrated = engine.migrate(`nosy-${index}`, { a: `CREATE TABLE mine (x); ${sql}` })
          await expect(migrated, sql).rejects.toMatchObject({ code: 'JOURNAL_WRITE' })
        }
      })

      test('a plugin’s writes are made with the turn or not at all', async () => {
        await engine.migrate('poll', { a: 'CREATE TABLE vote (who TEXT PRIMARY KEY, what TEXT NOT NULL)' })
        const tables = engine.tablesOf<{ vote: { who: string; what: string } }>('poll')
        const vote = (who: string) => tables.insertInto('vote').values({ who, what: 'tea' }).compile()
        const chat = await newChat(engine)
        await commit(engine, newChange(chat, { turn: newTurn(1), writes: [vote('ann')] }))
        const again = newChange(chat, { entries: [said('voted')], writes: [vote('bo'), vote('ann')] })
        await expect(engine.commit(again)).rejects.toMatchObject({ code: 'JOURNAL_WRITE' })
        const refused = newChange(chat, { expect: { epoch: 9 }, writes: [vote('cy')] })
        expect((await engine.commit(refused)).ok).toBe(false)
        expect(await tables.selectFrom('vote').select('who').execute()).toEqual([{ who: 'ann' }])
        expect((await loaded(engine, chat)).seq).toBe(1)
      })

      test('what is written with an event is there with the event, once, or neither is', async () => {
        await engine.migrate('web', {
          a: "CREATE TABLE line (chat TEXT, seq INTEGER, text TEXT CHECK (text <> 'bad'), PRIMARY KEY (chat, seq))",
        })
        const tables = engine.tablesOf<{ line: { chat: string; seq: number; text: string } }>('web')
        const write = (chat: string, seq: number, text: string) => ({
          ...tables.insertInto('line').values({ chat, seq, text }).compile(),
          instance: 'web',
        })
        const lines = async (chat: string) =>
          (await tables.selectFrom('line').select('text').where('chat', '=', chat).execute()).map(({ text }) => text)

        const once = newEvent({ chat: newId(), write: write('once', 1, 'hello') })
        const first = await engine.accept(once)
        // A second one would not fit the table, so it is known not to have been tried.
        const again = await Promise.all([1, 2].map(() => engine.accept({ ...once, ids: newEvent().ids })))
        expect(again.map(({ repeated, entry }) => ({ repeated, entry }))).toEqual(
          [1, 2].map(() => ({ repeated: true, entry: first.entry })),
        )
        expect(await lines('once')).toEqual(['hello'])

        // What is written always is there for a repeat too, and where it is refused, so is the event.
        const always = newEvent({ chat: newId(), writeAlways: write('always', 1, 'first') })
        await engine.accept(always)
        const repeat = { ...always, ids: newEvent().ids }
        const told = await engine.accept({ ...repeat, writeAlways: write('always', 2, 'again') })
        expect(told.repeated).toBe(true)
        expect(await lines('always')).toEqual(['first', 'again'])
        const neither = newEvent({ chat: newId(), writeAlways: write('always', 3, 'bad') })
        for (const event of [neither, { ...repeat, writeAlways: write('always', 2, 'twice') }])
          await expect(engine.accept(event)).rejects.toMatchObject({ code: 'JOURNAL_WRITE' })
        expect(await engine.findChat('test:shop', neither.event.chat)).toBeUndefined()

        const events = ['one', 'bad', 'three'].map((text, i) =>
          newEvent({ text, chat: newId(), write: write('batch', i, text) }),
        )
        const settled = await Promise.allSettled(events.map((event) => engine.accept(event)))
        expect(settled.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
        expect(settled[1]).toMatchObject({
          reason: { code: 'JOURNAL_WRITE', statusCode: 500, message: expect.stringContaining('web: ') },
        })
        expect(await lines('batch')).toEqual(['one', 'three'])
        const [, refused] = events
        if (refused === undefined) throw new Error('There are three.')
        expect(await engine.findChat('test:shop', refused.event.chat)).toBeUndefined()
        // It was not accepted, so it is no repeat when it comes again.
        expect(await engine.accept({ ...refused, write: write('batch', 1, 'two') })).toMatchObject({
          repeated: false,
          seq: 1,
        })
        expect(await lines('batch')).toEqual(['one', 'two', 'three'])

        await engine.migrate('elsewhere', { a: 'CREATE TABLE line (text TEXT)' })
        for (const other of ['elsewhere__line', 'chat']) {
          const nosy = newEvent({
            chat: newId(),
            write: { sql: `DELETE FROM "${other}"`, parameters: [], instance: 'web' },
          })
          await expect(engine.accept(nosy), other).rejects.toMatchObject({ code: 'JOURNAL_WRITE' })
          expect(await engine.findChat('test:shop', nosy.event.chat)).toBeUndefined()
        }
        const parameters = ['batch', 9, new Date(T0)]
        const unstorable = newEvent({ write: { ...write('batch', 9, ''), parameters } })
        await expect(engine.accept(unstorable)).rejects.toMatchObject({ code: 'JOURNAL_WRITE' })
      })

      test('a plugin writes its own tables only', async () => {
        await engine.migrate('mine', { a: 'CREATE TABLE note (text TEXT)' })
        await engine.migrate('yours', { a: 'CREATE TABLE note (text TEXT)' })
        const chat = await newChat(engine)
        const mine = engine.tablesOf<{ note: { text: string } }>('mine')
        const write = (sql: string, instance?: string) =>
          engine.commit(newChange(chat, { writes: [{ sql, parameters: [], instance }] }))
        const refused = [
          write('DELETE FROM entry'),
          write('INSERT INTO "mine__note" SELECT id FROM chat'),
          write('INSERT INTO "mine__note" SELECT text FROM "yours__note"'),
          write('DELETE FROM "yours__note"', 'mine'),
          write('DROP TABLE "mine__note"'),
          write('CREATE TABLE "mine__more" (x)'),
          write('SELECT * FROM "mine__note"'),
          write('COMMIT'),
          write('nonsense'),
          mine.schema.createTable('other').addColumn('x', 'text').execute(),
        ]
        for (const one of refused) await expect(one).rejects.toMatchObject({ code: 'JOURNAL_WRITE' })
        for (const sql of [
          'DELETE FROM "yours__note"',
          'DELETE FROM entry',
          'INSERT INTO "mine__note" VALUES (1, 2)',
        ]) {
          await expect(write(sql, 'mine')).rejects.toThrow(/^The journal refused a write\. mine: /)
        }
        expect((await write('INSERT INTO "mine__note" VALUES (\'ok\')', 'mine')).ok).toBe(true)
        await expect(mine.transaction().execute(async () => {})).rejects.toThrow('no transactions that stay open')
      })

      test('a Date is refused before it becomes an empty column', async () => {
        await engine.migrate('dates', { a: 'CREATE TABLE day (at)' })
        const tables = engine.tablesOf<{ day: { at: unknown } }>('dates')
        const insert = tables.insertInto('day').values({ at: new Date() })
        await expect(insert.execute()).rejects.toMatchObject({
          code: 'JOURNAL_WRITE',
          message: expect.stringContaining('Date'),
        })
        const chat = await newChat(engine)
        await expect(engine.commit(newChange(chat, { writes: [insert.compile()] }))).rejects.toThrow('getTime()')
        await tables.insertInto('day').values({ at: true }).execute()
        expect(await tables.selectFrom('day').selectAll().execute()).toEqual([{ at: 1 }])
      })
    })

    describe('the rest', () => {
      test('the core writes what it likes in one transaction, and gets back what the last statement returns', async () => {
        const begun =
          'INSERT INTO job_run (name, due_at, started_at) VALUES (?, ?, ?) ON CONFLICT DO NOTHING RETURNING name'
        const key = newId()
        expect(await engine.write([{ sql: begun, parameters: [key, T0, T0] }])).toEqual([{ name: key }])
        expect(await engine.write([{ sql: begun, parameters: [key, T0, T0] }])).toEqual([])
        const half = engine.write([
          { sql: 'DELETE FROM job_run', parameters: [] },
          { sql: 'nonsense', parameters: [] },
        ])
        await expect(half).rejects.toMatchObject({ code: 'JOURNAL_WRITE' })
        expect(await engine.read.selectFrom('job_run').select('name').where('name', '=', key).execute()).toHaveLength(1)
      })

      test('reading cannot write', async () => {
        await expect(engine.read.deleteFrom('entry').execute()).rejects.toThrow()
        expect((await engine.read.selectFrom('entry').select('id').limit(1).execute()).length).toBe(1)
      })

      test('a configuration that was applied is kept as it was first, and an act is kept for the audit', async () => {
        const revision = { hash: newId(), at: T0, file: 'switchboard.yaml', text: 'a: 1' }
        await engine.saveRevision(revision)
        await engine.saveRevision({ ...revision, at: T0 + 1 })
        const kept = await engine.read.selectFrom('revision').selectAll().where('hash', '=', revision.hash).execute()
        expect(kept).toEqual([revision])
        const act = {
          id: newId(),
          at: T0,
          by: AMY,
          action: 'status',
          before: undefined,
          after: { busy: true },
          instance: 'desk',
        }
        await engine.audit(act)
        const [row] = await engine.read.selectFrom('audit').selectAll().where('id', '=', act.id).execute()
        expect(row).toMatchObject({
          action: 'status',
          before_json: null,
          after_json: '{"busy":true}',
          instance: 'desk',
        })
      })

      test('trimming deletes what is old and done, children first, and nothing that waits or is open', async () => {
        await alone(async (own) => {
          const media = [{ id: newId(), source: 'x', type: 'image' } as const]
          /** A chat with a message answered in a conversation; its times begin at `nowMs`. */
          async function served(nowMs: number, close: boolean) {
            const event = newEvent({ nowMs, media })
            const accepted = await own.accept({
              ...event,
              media: [{ ...media[0], id: newId(), source: 'x', type: 'image' }],
            })
            const conversation = newConversation()
            const turn = newTurn(1, { conversation: conversation.id })
            const entries = [said('Hi', { conversation: conversation.id })]
            const command = { id: newId(), type: 'send', by: AMY, result: { ok: true }, ...KEPT } as const
            const deliveries = [newDelivery('Hi')]
            const change = { nowMs, turn, entries, deliveries, command, conversation: moved(conversation, 'opened') }
            const { sending } = await commit(own, newChange(accepted.chat, change))
            await own.recordDelivery(result(sending[0] ?? { id: '' }, { nowMs }))
            const over = { ...closed(conversation), closed: { atMs: nowMs, reason: 'done', by: AMY } }
            if (close) await commit(own, newChange(accepted.chat, { nowMs, conversation: moved(over, 'closed') }))
            return { ...accepted, event }
          }
          const old = await served(T0, true)
          const open = await served(T0 + 1, false)
          const waiting = await newChat(own, { nowMs: T0 + 2 })
          const sending = await newChat(own, { nowMs: T0 + 3 })
          await commit(
            own,
            newChange(sending, { turn: newTurn(1), entries: [said('x')], deliveries: [newDelivery('x')] }),
          )
          for (let i = 0; i < 3; i++) await own.publish('t', i, T0)
          await own.audit({ id: newId(), at: T0, by: AMY, action: 'a', before: 1, after: 2, instance: 'i' })
          const young = await served(T0 + MINUTE, true)

          const counts = async () => {
            const tables = [
              'dedupe',
              'entry',
              'media',
              'delivery',
              'delivery_attempt',
              'conversation',
              'conversation_change',
              'command',
              'audit',
              'feed',
            ] as const
            const found: { [table: string]: number } = {}
            for (const table of tables) found[table] = (await own.read.selectFrom(table).selectAll().execute()).length
            return found
          }
          const before = await counts()
          expect(await own.trim(KEEP_ALL)).toBe(0)
          expect(await counts()).toEqual(before)

          await own.trim({ ...KEEP_ALL, tracesBeforeMs: T0 + MINUTE })
          const traces = await own.read.selectFrom('entry').select('chat').where('trace_json', 'is not', null).execute()
          expect(traces).toEqual([{ chat: young.chat }])
          expect(await counts()).toEqual({ ...before, feed: 1 })
          expect(await own.publish('t', 'next', T0)).toBe(4)

          const cut = T0 + MINUTE
          const rows = await own.trim({
            dedupeBeforeMs: cut,
            messagesBeforeMs: cut,
            tracesBeforeMs: cut,
            deliveriesBeforeMs: T0 + 1,
            commandsBeforeMs: cut,
            auditBeforeMs: cut,
          })
          expect(rows).toBeGreaterThan(0)
          expect(await entriesOf(own, old.chat)).toEqual([])
          expect(await entriesOf(own, open.chat)).toHaveLength(2)
          expect(await entriesOf(own, waiting)).toHaveLength(1)
          expect(await entriesOf(own, sending)).toHaveLength(1)
          expect(await entriesOf(own, young.chat)).toHaveLength(2)
          expect(await counts()).toEqual({
            dedupe: 1,
            entry: 6,
            media: 2,
            delivery: 3,
            delivery_attempt: 2,
            conversation: 2,
            conversation_change: 3,
            command: 1,
            audit: 0,
            feed: 1,
          })
          // Still known as a chat, and what comes again after so long a time is new.
          expect(await own.accept({ ...old.event, ids: newEvent().ids })).toMatchObject({
            chat: old.chat,
            seq: 3,
            repeated: false,
          })
        })
      })

      test('the id of an event that may repeat late goes with its entry, not before, and not before other ids', async () => {
        await alone(async (own) => {
          const late = newEvent({ repeatsLate: true })
          const usual = newEvent()
          const chats = [(await own.accept(late)).chat, (await own.accept(usual)).chat]
          for (const chat of chats) await commit(own, newChange(chat, { turn: newTurn(1) }))
          const again = async (event: typeof late) => (await own.accept({ ...event, ids: newEvent().ids })).repeated
          await own.trim({ ...KEEP_ALL, dedupeBeforeMs: T0 + 1 })
          expect([await again(late), await again(usual)]).toEqual([true, false])
          await own.trim({ ...KEEP_ALL, messagesBeforeMs: T0 + 1 })
          expect(await again(late)).toBe(true)
          await own.trim({ ...KEEP_ALL, messagesBeforeMs: T0 + 1, dedupeBeforeMs: T0 + 1 })
          expect(await again(late)).toBe(false)
        })
      })

      test('trimming goes through more than one slice', async () => {
        await alone(async (own) => {
          const chat = newId()
          const accepted = await Promise.all(Array.from({ length: 450 }, () => own.accept(newEvent({ chat }))))
          const id = accepted[0]?.chat ?? ''
          await Promise.all(accepted.map(({ seq }) => own.commit(newChange(id, { turn: newTurn(seq) }))))
          await Promise.all(accepted.map((_, i) => own.publish('t', i, T0)))
          expect(await own.trim({ ...KEEP_ALL, messagesBeforeMs: T0 + 1 })).toBe(450)
          expect(await own.trim({ ...KEEP_ALL, dedupeBeforeMs: T0 + 1, tracesBeforeMs: T0 + 1 })).toBe(450 + 449)
        })
      })

      test('closing finishes what was asked before, is safe twice, and refuses what comes after', async () => {
        const own = await makePlace()
        const open = await own.open()
        const asked = Array.from({ length: 20 }, () => open.accept(newEvent()))
        const closing = open.close()
        await Promise.all([closing, open.close()])
        expect((await Promise.all(asked)).map((one) => one.repeated)).toEqual(Array(20).fill(false))
        expect(open.healthy).toBe(false)
        await expect(open.accept(newEvent())).rejects.toMatchObject({ code: 'JOURNAL_CLOSED' })
        await expect(open.load('x')).rejects.toMatchObject({ code: 'JOURNAL_CLOSED' })
        const again = await own.open()
        expect(await again.read.selectFrom('entry').select('id').execute()).toHaveLength(20)
        await again.close()
        await own.remove()
      })
    })
  })
}
