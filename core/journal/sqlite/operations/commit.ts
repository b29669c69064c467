/** One change to one chat, all of it or nothing: the end of a turn, or a command. */
import type { DatabaseSync } from 'node:sqlite'
import type { CommandResult } from '../../../command.ts'
import type { Facts } from '../../../turn.ts'
import { NEVER_MS, type OpenQuestion, type ShownChoices } from '../../engine.ts'
import type { ChatRow, CommandRow, ConversationRow, DeliveryRow, EntryRow } from '../../tables.ts'
import { parse, query } from '../connection.ts'
import type { ChangeInput, CommitOutput, ConversationInput, DeliveryInput } from '../protocol.ts'
import { type Allowances, allowancesJson, allowancesOf, allows, givenBack, reserved } from './allowances.ts'
import { patchCustomer } from './customers.ts'
import { TAKEN_OVER } from './deliveries.ts'
import type { Entries } from './entries.ts'
import { Refused } from './refused.ts'
import type { RunStatement } from './statements.ts'

type Chat = Pick<
  ChatRow,
  | 'account'
  | 'external_id'
  | 'customer'
  | 'seq'
  | 'pending'
  | 'epoch'
  | 'due_at'
  | 'fails'
  | 'conversation'
  | 'question_json'
  | 'allowances_json'
> & { readonly lease: number | null }
type ToCancel = Pick<DeliveryRow, 'id' | 'allowance' | 'created_at'>

/** The two things that a chat may be waiting to hear, in the column `question_json`. */
export interface Asked {
  readonly question?: OpenQuestion | undefined
  readonly shown?: ShownChoices | undefined
}

export function commit(
  db: DatabaseSync,
  entries: Entries,
  runStatement: RunStatement,
  takeOver: (of: { chat: string }) => undefined,
): (change: ChangeInput) => CommitOutput {
  const findCommand = query<Pick<CommandRow, 'result_json'>>(db, 'SELECT result_json FROM command WHERE id = ?')
  const findChat = query<Chat>(
    db,
    `SELECT c.account, c.external_id, c.customer, c.seq, c.pending, c.epoch, c.due_at, c.fails, c.conversation,
       c.question_json, c.allowances_json, v.lease
     FROM chat c LEFT JOIN conversation v ON v.id = c.conversation WHERE c.id = ?`,
  )
  const leaseOf = query<Pick<ConversationRow, 'lease'>>(db, 'SELECT lease FROM conversation WHERE id = ?')
  const setCounts = query(db, 'UPDATE conversation SET route = ?, revision = ?, counts_json = ? WHERE id = ?')
  const messageWaits = query(
    db,
    `SELECT 1 FROM entry WHERE chat = ? AND seq <> ? AND done_at IS NULL AND kind = 'in' AND type = 'message' LIMIT 1`,
  )
  const finish = query(
    db,
    `UPDATE entry SET done_at = ?, outcome = ?, because = ?, conversation = coalesce(?, conversation),
       facts_json = coalesce(?, facts_json), trace_json = ?, revision = ?, started_at = ?, started_seq = ?, done_seq = ?
     WHERE chat = ? AND seq = ? AND done_at IS NULL`,
  )
  const findEntry = query<Pick<EntryRow, 'id' | 'conversation'>>(
    db,
    'SELECT id, conversation FROM entry WHERE chat = ? AND seq = ?',
  )
  const factsOf = query<Pick<EntryRow, 'facts_json'>>(db, 'SELECT facts_json FROM entry WHERE chat = ? AND seq = ?')
  const setFacts = query(db, 'UPDATE entry SET facts_json = ? WHERE chat = ? AND seq = ?')
  const setConversation = query(
    db,
    `INSERT INTO conversation (id, chat, customer, state, owner_json, bot, desk, team, person, lease, origin, route,
       revision, counts_json, opened_at, queued_at, assigned_at, closed_at, close_reason, closed_by_json,
       summary_json)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
     ON CONFLICT (id) DO UPDATE SET state = excluded.state, owner_json = excluded.owner_json, bot = excluded.bot,
       desk = excluded.desk, team = excluded.team, person = excluded.person, lease = excluded.lease,
       route = excluded.route, revision = excluded.revision, counts_json = excluded.counts_json,
       queued_at = coalesce(excluded.queued_at, queued_at), assigned_at = coalesce(excluded.assigned_at, assigned_at),
       closed_at = excluded.closed_at, close_reason = excluded.close_reason, closed_by_json = excluded.closed_by_json,
       summary_json = excluded.summary_json`,
  )
  const lastChange = query<{ n: number | null }>(
    db,
    'SELECT max(n) AS n FROM conversation_change WHERE conversation = ?',
  )
  const addChange = query(db, 'INSERT INTO conversation_change VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)')
  const whose = { bots: "by_kind = 'bot'", programs: "by_kind <> 'agent'" }
  const toCancel = (by: string) =>
    query<ToCancel>(
      db,
      `SELECT id, allowance, created_at FROM delivery
       WHERE chat = ? AND destination = 'channel' AND state IN ('pending', 'sending') AND state = 'pending' AND ${by}`,
    )
  const noteTakenOver = (by: string) =>
    query(
      db,
      `UPDATE delivery SET code = '${TAKEN_OVER}'
       WHERE chat = ? AND destination = 'channel' AND state IN ('pending', 'sending') AND state = 'sending' AND ${by}`,
    )
  const waiting = { bots: toCancel(whose.bots), programs: toCancel(whose.programs) }
  const onItsWay = { bots: noteTakenOver(whose.bots), programs: noteTakenOver(whose.programs) }
  const cancel = query(db, "UPDATE delivery SET state = 'cancelled', done_at = ? WHERE id = ?")
  const setState = query(
    db,
    'INSERT INTO state VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET body_json = excluded.body_json',
  )
  const removeState = query(db, 'DELETE FROM state WHERE chat = ? AND instance = ?')
  const setWake = query(db, 'INSERT INTO wake VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET due_at = excluded.due_at')
  const openBefore = query(
    db,
    `SELECT 1 FROM delivery WHERE chat = ? AND destination = ? AND state IN ('pending', 'sending')
       AND (state = 'sending' OR hold_until > ? OR next_at <= ?) LIMIT 1`,
  )
  const addDelivery = query(
    db,
    `INSERT INTO delivery (id, chat, entry, seq, part, destination, payload_json, by_kind, by_json, state, allowance, next_at, expires_at,
       hold_until, code, created_at, done_at)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  )
  const addCommand = query(db, 'INSERT INTO command VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)')
  const setChat = query(
    db,
    `UPDATE chat SET seq = ?, pending = ?, due_at = ?, fails = ?, conversation = ?, question_json = ?,
       allowances_json = ? WHERE id = ?`,
  )
  const patch = patchCustomer(db)

  /** Whether every delivery that needs an allowance can have one, those of cancelled ones counted as free. */
  function allowed(change: ChangeInput, allowances: Allowances, cancelled: readonly ToCancel[]): boolean {
    if (change.deliveries === undefined) return true
    const wanted = new Map<string, number>()
    for (const { allowance, start } of change.deliveries) {
      if (allowance !== null && start !== 'dead') wanted.set(allowance, (wanted.get(allowance) ?? 0) + 1)
    }
    for (const [on, count] of wanted) {
      const freed = cancelled.filter((row) => row.allowance === on).length
      if (!allows(allowances, on, count - freed, change.nowMs)) return false
    }
    return true
  }

  function moveConversation(change: ChangeInput, conversation: ConversationInput, customer: string): void {
    const { row, changes, cause } = conversation
    const { chat, nowMs } = change
    // Same lease, same owner: none of the indexed columns has changed.
    if (changes.length === 0 && leaseOf.get(row.id)?.lease === row.lease) {
      setCounts.run(row.route, row.revision, row.counts_json, row.id)
      return
    }
    const at = (type: string) => (changes.some((one) => one.type === type) ? nowMs : null)
    setConversation.run(
      row.id,
      chat,
      customer,
      row.state,
      row.owner_json,
      row.bot,
      row.desk,
      row.team,
      row.person,
      row.lease,
      row.origin,
      row.route,
      row.revision,
      row.counts_json,
      row.opened_at,
      at('queued'),
      at('assigned'),
      row.closed_at,
      row.close_reason,
      row.closed_by_json,
      row.summary_json,
    )
    let n = lastChange.get(row.id)?.n ?? 0
    for (const { type, actorJson, because } of changes) {
      addChange.run(row.id, ++n, nowMs, type, actorJson, because, row.lease, row.owner_json, cause)
    }
  }

  function addLateFacts(chat: string, late: { seq: number; factsJson: string }): void {
    const now = factsOf.get(chat, late.seq)
    if (now === undefined) throw new Refused(`There is no entry ${late.seq} in chat ${chat}.`)
    const before = now.facts_json === null ? {} : parse<Facts>(now.facts_json)
    const added = parse<Facts>(late.factsJson)
    const facts: Facts = {
      ...before,
      ...added,
      ...(before.transcripts || added.transcripts
        ? { transcripts: { ...before.transcripts, ...added.transcripts } }
        : {}),
    }
    setFacts.run(JSON.stringify(facts), chat, late.seq)
  }

  /** Gives whether it is on its way now. */
  function deliver(change: ChangeInput, delivery: DeliveryInput, entry: string, seq: number): boolean {
    const { chat, nowMs } = change
    const { destination, part, start } = delivery
    const isFirst = () => openBefore.get(chat, destination, nowMs, nowMs) === undefined
    const now = start === 'response' || (start === 'now' && isFirst())
    const dead = start === 'dead'
    addDelivery.run(
      delivery.id,
      chat,
      entry,
      seq,
      part,
      destination,
      delivery.payloadJson,
      delivery.byKind,
      delivery.byJson,
      dead ? 'dead' : now ? 'sending' : 'pending',
      dead ? null : delivery.allowance,
      start === 'next-event' ? NEVER_MS : nowMs,
      delivery.expiresAtMs,
      delivery.holdUntilMs,
      delivery.code,
      nowMs,
      dead ? nowMs : null,
    )
    return now
  }

  return (change) => {
    const { chat: id, nowMs, turn, command, conversation } = change

    if (command !== undefined) {
      const known = findCommand.get(command.id)
      if (known !== undefined) return { ok: false, why: 'repeated', result: parse<CommandResult>(known.result_json) }
    }
    const chat = findChat.get(id)
    if (chat === undefined) throw new Refused(`There is no chat ${id}.`)
    if (change.epoch !== undefined && change.epoch !== chat.epoch) return { ok: false, why: 'epoch' }
    if (change.expected !== undefined) {
      const { expected } = change
      const asExpected =
        expected === null
          ? chat.conversation === null
          : chat.conversation === expected.id && chat.lease === expected.lease
      if (!asExpected) return { ok: false, why: 'conversation' }
    }
    if (change.nothingWaiting && chat.pending > (turn === undefined ? 0 : 1)) {
      if (messageWaits.get(id, turn?.seq ?? 0) !== undefined) return { ok: false, why: 'waiting' }
    }
    const cancelled = change.cancel ? waiting[change.cancel].all(id) : []
    const granted = allowancesOf(chat.allowances_json)
    let allowances = granted
    if (!allowed(change, allowances, cancelled)) return { ok: false, why: 'allowance' }

    // The first write: when it finds the entry done already, nothing has been written yet.
    if (turn !== undefined) {
      const { outcome, because, factsJson, traceJson, seq, revision, startedAtMs, startedSeq } = turn
      const done = finish.run(
        nowMs,
        outcome,
        because,
        turn.conversation,
        factsJson,
        traceJson,
        revision,
        startedAtMs,
        startedSeq,
        chat.seq + (change.entries?.length ?? 0),
        id,
        seq,
      )
      if (done.changes === 0) return { ok: false, why: 'epoch' }
    }

    if (change.lateFacts !== undefined) addLateFacts(id, change.lateFacts)
    if (conversation !== undefined) moveConversation(change, conversation, chat.customer)
    if (change.takesOver) takeOver({ chat: id })
    if (change.cancel) onItsWay[change.cancel].run(id)
    for (const row of cancelled) {
      cancel.run(nowMs, row.id)
      if (row.allowance !== null) allowances = givenBack(allowances, row.allowance, row.created_at)
    }
    if (change.states !== undefined) {
      for (const { instance, bodyJson } of change.states) {
        if (bodyJson === null) removeState.run(id, instance)
        else setState.run(id, instance, bodyJson)
      }
    }
    if (change.wakes !== undefined)
      for (const wake of change.wakes) setWake.run(id, wake.instance, wake.key, wake.dueAtMs)
    if (change.customer !== undefined) patch(chat.customer, change.customer)
    if (change.writes !== undefined) for (const statement of change.writes) runStatement(statement)

    let { seq } = chat
    let pending = chat.pending - (turn === undefined ? 0 : 1)
    const seqs: number[] = []
    if (change.entries !== undefined) {
      for (const entry of change.entries) {
        seq += 1
        seqs.push(seq)
        if (entry.kind === 'in' || entry.kind === 'life') pending += 1
        entries.add(id, seq, entry, nowMs)
      }
    }
    const sending: { id: string; seq: number; conversation: string | null }[] = []
    if (change.deliveries !== undefined) {
      for (const delivery of change.deliveries) {
        const { entry: of } = delivery
        const entry = typeof of === 'number' ? change.entries?.[of] : findEntry.get(id, of.seq)
        const entrySeq = typeof of === 'number' ? seqs[of] : of.seq
        if (entry === undefined || entrySeq === undefined)
          throw new Refused(`Delivery ${delivery.id} belongs to no entry of this change.`)
        if (delivery.allowance !== null && delivery.start !== 'dead')
          allowances = reserved(allowances, delivery.allowance)
        if (deliver(change, delivery, entry.id, entrySeq)) {
          sending.push({ id: delivery.id, seq: entrySeq, conversation: entry.conversation })
        }
      }
    }
    const open = conversation === undefined ? chat.conversation : openAfter(chat.conversation, conversation)
    if (command !== undefined) {
      const about = conversation?.row.id ?? chat.conversation
      const { type, byJson, resultJson, bodyJson, traceJson, revision, seenSeq, seenWaiting } = command
      addCommand.run(
        command.id,
        id,
        about,
        type,
        byJson,
        resultJson,
        nowMs,
        bodyJson,
        traceJson,
        revision,
        seenSeq,
        seenWaiting,
        seq,
      )
    }
    const questionJson = askedAfter(chat.question_json, change)
    const allowancesNow = allowances === granted ? chat.allowances_json : allowancesJson(allowances)
    if (
      turn !== undefined ||
      seq !== chat.seq ||
      open !== chat.conversation ||
      questionJson !== chat.question_json ||
      allowances !== granted
    ) {
      const dueAt = turn === undefined ? chat.due_at : 0
      const fails = turn === undefined ? chat.fails : 0
      setChat.run(seq, pending, dueAt, fails, open, questionJson, allowancesNow, id)
    }
    return { ok: true, seqs, sending, account: chat.account, externalId: chat.external_id, pending }
  }
}

/** The chat's open conversation after one of its conversations has become what it is now. */
function openAfter(before: string | null, { row }: ConversationInput): string | null {
  if (row.state !== 'closed') return row.id
  return before === row.id ? null : before
}

function askedAfter(before: string | null, { questionJson, shownJson }: ChangeInput): string | null {
  if (questionJson === undefined && shownJson === undefined) return before
  const now: Asked = before === null ? {} : parse<Asked>(before)
  const question =
    questionJson === undefined ? now.question : questionJson === null ? undefined : parse<OpenQuestion>(questionJson)
  const shown = shownJson === undefined ? now.shown : shownJson === null ? undefined : parse<ShownChoices>(shownJson)
  return question === undefined && shown === undefined ? null : JSON.stringify({ question, shown } satisfies Asked)
}
