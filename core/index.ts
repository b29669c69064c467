/** The only door: everything that a plugin may import. */
export type { Generated } from 'kysely'
export { z } from 'zod'
export type { Allowance, Capabilities, Inline, MediaLimits, TextLimits } from './capabilities.ts'
export { ALWAYS } from './capabilities.ts'
export type { Command, CommandResult, RefusalCode } from './command.ts'
export type { Hours, SettingFile } from './config/schema.ts'
export { bytes, cron, duration, file, hours, httpUrl, localized, refers, say, secret } from './config/schema.ts'
export type { TextName } from './config/texts.ts'
export type { Actor, Conversation, ConversationState, Owner, Summary } from './conversation.ts'
export { DeliveryError, messageOf, SwitchboardError } from './errors.ts'
export type { CustomerFilter, CustomerPage, CustomerQuery, KnownAs, ServedBy } from './journal/engine.ts'
export type { JournalTables } from './journal/tables.ts'
export { finder, fold, type Keyword, keyword, matcher } from './matcher.ts'
export type {
  Choice,
  Content,
  CustomerPatch,
  InboundEvent,
  Json,
  Localized,
  MediaPart,
  MediaType,
  Part,
  PartType,
  Say,
  Sender,
} from './message.ts'
export { inLanguage, textOf, toParts } from './message.ts'
export type {
  ChannelContext,
  ConfigProblem,
  Context,
  Delivery,
  DeskContext,
  DeskItem,
  Diagnosis,
  DocumentStore,
  ErasedCustomer,
  Examining,
  Explained,
  Feed,
  FileBody,
  HandOff,
  Hooks,
  KeepOptions,
  KeptFile,
  OptionalToken,
  Place,
  Plugin,
  ReceiveOptions,
  Sendable,
  Simulating,
  Simulation,
  Simulator,
  Token,
  Watcher,
} from './plugin.ts'
export { defineBot, defineChannel, defineDesk, definePlugin, optional, service, tables } from './plugin.ts'
export { isPrivateAddress } from './services/addresses.ts'
export type { Caller } from './services/callers.ts'
export { capped } from './services/capped.ts'
export type { Clock } from './services/clock.ts'
export { eventStream } from './services/event-stream.ts'
export { type Limit, limitOf } from './services/limit.ts'
export type {
  BotTurn,
  CallbackEvent,
  Chat,
  ChatEvent,
  ChatEvents,
  Customer,
  Facts,
  Identity,
  Log,
  Maybe,
  Next,
  Outcome,
  OutcomeKind,
  Question,
  Reply,
  Said,
  Turn,
  TurnView,
  TurnWork,
} from './turn.ts'
