/**
 * What WeChat's error numbers mean: what is done about each, for one chat or for the whole channel, and the sentence for
 * the operator. Data, so that the tests, the doctor and the simulated platform go through the same rows.
 *
 * Source: the platform's pages of the single calls, and the tables that long-used clients keep (WxJava's
 * WxMpErrorMsgEnum, https://github.com/Wechat-Group/WxJava at 9eba04d; wechatpy's constants.py,
 * https://github.com/wechatpy/wechatpy at 5b8502e), read 2026-11-20. What no official page confirms says so.
 */
import { DeliveryError } from '#core'

/**
 * What a number asks for.
 *
 * - `retry`: the platform is busy; the same again, after a pause.
 * - `refresh`: another access token, once.
 * - `wait`: a rate or quota is used up; again when it is not.
 * - `fallback`: the reply window is closed; the customer has to write or do something first.
 * - `drop`: this one thing will never be taken.
 * - `config`: the operator has something to do.
 * - `bug`: what we asked was wrong.
 * - `reupload`: the file on the platform is gone; upload it again and send once more.
 * - `no-identity`: the customer-service account is not taken; send once more without it.
 * - `done`: what was asked for is so already.
 * - `ignore`: of no consequence.
 */
export type Action =
  | 'retry'
  | 'refresh'
  | 'wait'
  | 'fallback'
  | 'drop'
  | 'config'
  | 'bug'
  | 'reupload'
  | 'no-identity'
  | 'done'
  | 'ignore'

/** One row of the table: numbers that mean the same to us. */
export interface ErrorRow {
  readonly codes: readonly number[]
  readonly action: Action
  /** What it concerns: one message, or every one of the account. */
  readonly scope: 'chat' | 'channel'
  /** The code of the `DeliveryError` that a message ends with. */
  readonly delivery: string
  /** What it means and what to do, in the operator's words. */
  readonly says: { readonly en: string; readonly 'zh-CN': string }
}

const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS
const DAY_MS = 24 * HOUR_MS
/** Daily quotas are taken to begin anew at midnight of this zone (unconfirmed). It knows no summer time. */
const SHANGHAI_MS = 8 * HOUR_MS

const DELIVERY: { readonly [A in Action]: Pick<ErrorRow, 'scope' | 'delivery'> } = {
  retry: { scope: 'chat', delivery: 'CHANNEL_BUSY' },
  refresh: { scope: 'channel', delivery: 'CHANNEL_TOKEN' },
  wait: { scope: 'channel', delivery: 'CHANNEL_RATE_LIMITED' },
  fallback: { scope: 'chat', delivery: 'CHANNEL_WINDOW_CLOSED' },
  drop: { scope: 'chat', delivery: 'CHANNEL_REFUSED' },
  config: { scope: 'channel', delivery: 'CHANNEL_SETUP' },
  bug: { scope: 'chat', delivery: 'CHANNEL_REFUSED' },
  reupload: { scope: 'chat', delivery: 'CHANNEL_REFUSED' },
  'no-identity': { scope: 'chat', delivery: 'CHANNEL_REFUSED' },
  done: { scope: 'chat', delivery: 'CHANNEL_REFUSED' },
  ignore: { scope: 'chat', delivery: 'CHANNEL_REFUSED' },
}

function row(
  codes: readonly number[],
  action: Action,
  en: string,
  zh: string,
  other: Partial<Pick<ErrorRow, 'scope' | 'delivery'>> = {},
): ErrorRow {
  return { codes, action, ...DELIVERY[action], ...other, says: { en, 'zh-CN': zh } }
}

/** Every number from the first to the last. */
function span(first: number, last: number): readonly number[] {
  return Array.from({ length: last - first + 1 }, (_, i) => first + i)
}

const TOKEN = { delivery: 'CHANNEL_TOKEN' } as const
const NO_CHAT = { delivery: 'CHANNEL_NO_CHAT' } as const
const ONE_CALL = { scope: 'chat', delivery: 'CHANNEL_REFUSED' } as const

/** Every number that has a meaning here. What is not in it is dropped and logged, and never tried for ever. */
export const ERRORS: readonly ErrorRow[] = [
  row([-1], 'retry', 'WeChat is busy. It is tried again.', '微信系统繁忙，稍后会自动重试。'),
  row(
    [40001],
    'refresh',
    'The access token is not valid, or not the latest. If a fresh one is refused too, another program fetches tokens with the same AppSecret: let it use stable_token, or give it an account of its own.',
    'access_token 无效或不是最新的。若新取的也被拒绝，说明另有程序用同一个 AppSecret 获取 access_token：请让它改用 stable_token，或使用另一个公众号。',
  ),
  row([40014], 'refresh', 'The access token is not valid.', 'access_token 无效。'),
  row([42001], 'refresh', 'The access token has expired.', 'access_token 已过期。'),
  row([40002], 'bug', 'The kind of token that was asked for does not exist.', '获取凭证的 grant_type 不正确。'),
  row(
    [40003, 46004],
    'drop',
    'WeChat does not know this customer on this account.',
    '该 openid 不属于此公众号，或用户不存在。',
    NO_CHAT,
  ),
  row([40004], 'drop', 'WeChat does not take this type of media.', '不支持的媒体类型。'),
  row([40005, 40137], 'drop', 'WeChat does not take files of this type.', '不支持的文件格式。'),
  row([40006, 45001], 'drop', 'The file is too large for WeChat.', '文件大小超过限制。'),
  row(
    [40007],
    'reupload',
    'WeChat does not have this file any more: it keeps files for three days.',
    'media_id 无效或已过期（临时素材只保存三天）。',
  ),
  row([40008], 'bug', 'WeChat does not know this type of message.', '不合法的消息类型。'),
  row([40009], 'drop', 'The picture is too large for WeChat, or no picture.', '图片过大或格式不正确。'),
  row([40010], 'drop', 'The recording is too large for WeChat.', '语音文件过大。'),
  row([40011], 'drop', 'The video is too large for WeChat.', '视频文件过大。'),
  row([40012], 'drop', 'The cover picture is too large for WeChat.', '缩略图过大。'),
  row(
    [40013],
    'config',
    'WeChat does not know this AppID. Correct appId: it stands in the console under Settings and development → Development interface management.',
    'AppID 不正确。请核对 appId：公众平台“设置与开发 → 开发接口管理”。',
    TOKEN,
  ),
  row(
    [...span(40015, 40028), 40054, 40055, 40119, 40120],
    'config',
    'WeChat does not take this menu: a button’s type, number, name, key or address is not allowed. Correct menu.',
    '自定义菜单不符合要求（按钮类型、数量、名称、key 或链接）。请修改 menu。',
    ONE_CALL,
  ),
  row([40029, 40163, 42003], 'drop', 'This sign-in code has been used or has expired.', '授权 code 已使用或已过期。'),
  row([40032], 'bug', 'Too many customers were named in one call.', '一次传入的 openid 数量超过限制。'),
  row([40033], 'bug', 'The text holds escaped characters that WeChat does not read.', '请求中含有 \\uXXXX 转义字符。'),
  row(
    [40035, 40038, 40039, 40097, 61500, 63001, 65416, 65417],
    'bug',
    'WeChat does not take one of the values that it was sent.',
    '请求参数不正确。',
  ),
  row(
    [40037],
    'config',
    'WeChat does not know this template. Correct its id.',
    '模板 template_id 不正确，请核对。',
    ONE_CALL,
  ),
  row(
    [40125],
    'config',
    'The AppSecret is wrong. Reset it in the console under Settings and development → Development interface management, and put the new one into the variable that appSecret names.',
    'AppSecret 不正确。请在公众平台“设置与开发 → 开发接口管理”中重置，并更新 appSecret 所指的环境变量。',
    TOKEN,
  ),
  row([40132, 65409], 'config', 'WeChat does not know this WeChat ID. Correct it.', '微信号不正确，请核对。', ONE_CALL),
  row(
    [40164, 45035],
    'config',
    'The address of this machine is not on the account’s IP list. Add it in the console under Settings and development → Development interface management → IP allow-list.',
    '本机 IP 不在公众号的 IP 白名单内。请在公众平台“设置与开发 → 开发接口管理 → IP白名单”中添加。',
    TOKEN,
  ),
  row(
    [40243],
    'config',
    'The AppSecret is frozen. Unfreeze it in the console under Settings and development → Development interface management.',
    'AppSecret 已被冻结。请在公众平台“设置与开发 → 开发接口管理”中解冻。',
    TOKEN,
  ),
  row([41001, 41002, 41004, 41006, 41009], 'bug', 'A value that WeChat needs was not sent.', '请求缺少必填参数。'),
  row(
    [42002, 42007, 61003, 61007, 61023],
    'config',
    'WeChat has withdrawn what it had allowed. Authorise the account again.',
    '授权已失效，请重新授权。',
    TOKEN,
  ),
  row(
    [43001, 43002, 43003],
    'bug',
    'WeChat wants this asked in another way (GET, POST or HTTPS).',
    '请求方式不正确（GET、POST 或 HTTPS）。',
  ),
  row([43004, 50005], 'drop', 'The customer does not follow the account.', '用户未关注公众号。', NO_CHAT),
  row([40066], 'bug', 'WeChat has no such call.', '不存在的接口。'),
  row([43005], 'drop', 'The customer and the account are no friends.', '需要好友关系。', NO_CHAT),
  row(
    [43019],
    'drop',
    'The customer is on the account’s blacklist on the platform. Take them off it first.',
    '用户在公众号黑名单中，请先移出。',
    NO_CHAT,
  ),
  row([43101], 'drop', 'The customer does not want this kind of message.', '用户拒绝接受此类消息。'),
  row([43104], 'config', 'The account may not do this.', '该 AppID 没有权限。', ONE_CALL),
  row([44001, 44002, 44003, 44004], 'bug', 'What was sent to WeChat is empty.', '发送的内容为空。'),
  row([45002], 'drop', 'The text is too long for WeChat.', '消息内容过长。'),
  row(
    [45003, 45004, 45005, 45006],
    'drop',
    'A title, description or address is too long for WeChat.',
    '标题、描述或链接过长。',
  ),
  row([45007], 'drop', 'The recording is longer than 60 seconds.', '语音超过 60 秒。'),
  row([45008], 'bug', 'There are more articles in one message than WeChat takes.', '图文条数超过限制。'),
  row(
    [45009],
    'wait',
    'The day’s quota of this call is used up. It begins anew at midnight in Shanghai; until then it can be cleared in the console (ten times a month).',
    '接口当日调用次数已用完。北京时间零点恢复；也可在公众平台清零（每月十次）。',
  ),
  row([45011], 'wait', 'WeChat was asked too often within a minute.', '接口调用过于频繁。'),
  row(
    [45015],
    'fallback',
    'The time for replies is over, or the customer no longer follows the account. The customer has to write first.',
    '超出回复时限或用户已取消关注，需等用户再次发来消息。',
  ),
  row([45026, 45027], 'config', 'The account’s templates do not allow this.', '模板数量或行业设置冲突。', ONE_CALL),
  row([45028], 'drop', 'No mass messages are left.', '群发次数已用完。'),
  row(
    [45047],
    'fallback',
    'All messages that WeChat takes for what the customer did last are used up. The customer has to write first.',
    '客服消息条数已达上限，需等用户再次发来消息。',
  ),
  row(
    [45056, 45057, 45058, 45059],
    'drop',
    'WeChat does not take this tag: there are too many, or it is its own.',
    '标签数量超限或不可修改。',
  ),
  row(
    [45064],
    'config',
    'The menu names a mini program that is not linked to the account. Link it in the console under Mini Programs.',
    '菜单中的小程序未与公众号关联，请先在公众平台关联。',
    ONE_CALL,
  ),
  row([45072, 45080, 45081], 'ignore', 'WeChat does not show typing just now.', '“正在输入”状态当前无法显示。'),
  row([45157, 45158, 45159], 'bug', 'WeChat does not take this name of a tag.', '标签名不合法、重复或过长。'),
  row([45166], 'drop', 'WeChat does not take this content.', '内容不合法。'),
  row([46001], 'drop', 'WeChat has no such file.', '不存在该媒体文件。'),
  row([46003], 'drop', 'The account has no menu.', '不存在自定义菜单。'),
  row([47001, 47003], 'bug', 'WeChat could not read what it was sent.', '请求数据解析失败或参数不正确。'),
  row(
    [48001],
    'config',
    'The account may not use this call: it is not verified, or its kind does not have it. What it can still do is answer inside the platform’s own request.',
    '公众号未获得该接口的权限（未认证或账号类型不支持）。仍可使用被动回复。',
    { delivery: 'CHANNEL_ONLY_ANSWERS' },
  ),
  row([48002], 'drop', 'The customer has switched messages off.', '用户关闭了接收消息。', NO_CHAT),
  row(
    [48003],
    'config',
    'The account’s administrator has not accepted the terms of this call.',
    '管理员尚未同意相关协议。',
    ONE_CALL,
  ),
  row(
    [48004],
    'config',
    'WeChat has banned this call for the account. The reason stands in the console under Notification Center.',
    '接口已被封禁，原因见公众平台“通知中心”。',
  ),
  row([48006], 'wait', 'The quota has been cleared ten times this month, and no more.', '本月清零次数已用完。'),
  row([48008], 'config', 'The account may not send this type of message.', '没有发送该类型消息的权限。', ONE_CALL),
  row([49003], 'drop', 'The customer belongs to another account.', '该 openid 不属于此 AppID。', NO_CHAT),
  row(
    [50001, 50002],
    'drop',
    'The customer’s account is limited, frozen or closed.',
    '用户账号受限、冻结或已注销。',
    NO_CHAT,
  ),
  row(
    [50004],
    'config',
    'WeChat has taken the account’s right to access tokens. The reason stands in the console under Notification Center.',
    '公众号被禁止使用 access_token，原因见公众平台“通知中心”。',
    TOKEN,
  ),
  row(
    [61004, 61011, 61028],
    'config',
    'WeChat does not let this program act for the account.',
    '第三方平台无权调用该接口。',
    TOKEN,
  ),
  row(
    [61005, 61006, 61009, 61010],
    'config',
    'The authorisation has expired. Authorise the account again.',
    '授权信息已过期，请重新授权。',
    TOKEN,
  ),
  row([61014, 61015, 61024], 'bug', 'The access token is of the wrong kind.', 'access_token 类型不正确。'),
  row([61450], 'retry', 'WeChat’s customer service is busy. It is tried again.', '客服系统繁忙，稍后会自动重试。'),
  row([61451], 'bug', 'WeChat does not take one of the values that it was sent.', '请求参数不正确。'),
  row(
    [61452, 65401],
    'no-identity',
    'WeChat does not know this customer-service account. The message goes out under the account’s own name.',
    '客服账号不存在，消息将以公众号身份发送。',
  ),
  row([61453, 65406], 'done', 'The customer-service account is there already.', '客服账号已存在。'),
  row([61454], 'config', 'The name of the customer-service account is too long.', '客服昵称过长。', ONE_CALL),
  row(
    [61455, 65404],
    'config',
    'WeChat does not take this customer-service account: letters, digits and _ before the @, the WeChat ID after it.',
    '客服账号不合法：@ 前为字母、数字或下划线，@ 后为公众号微信号。',
    ONE_CALL,
  ),
  row(
    [61456, 65405],
    'config',
    'The account has as many customer-service accounts as WeChat allows.',
    '客服账号数量已达上限。',
    ONE_CALL,
  ),
  row([61457], 'drop', 'WeChat does not take files of this type as an avatar.', '头像文件类型不支持。'),
  row([63002, 87009], 'bug', 'The signature is wrong.', '签名不正确。'),
  row(
    [...span(65301, 65314), 65316, 65317],
    'config',
    'WeChat does not take this conditional menu.',
    '个性化菜单不符合要求。',
    ONE_CALL,
  ),
  row(
    [65400],
    'config',
    'The account has no customer service yet. Switch it on in the console under Features → Customer Service, then wait some minutes.',
    '客服功能未开通。请在公众平台“功能 → 客服功能”中开通，并等待几分钟。',
    ONE_CALL,
  ),
  row(
    [65402],
    'config',
    'The customer-service account has no WeChat user. Invite one in the console under Customer Service.',
    '客服账号未绑定微信号，请在“客服功能”中邀请绑定。',
    ONE_CALL,
  ),
  row(
    [65403],
    'config',
    'WeChat does not take this name for a customer-service account.',
    '客服昵称不合法。',
    ONE_CALL,
  ),
  row(
    [65407, 65408, 65410],
    'config',
    'This WeChat user cannot be invited as customer service (again).',
    '该微信号已是客服、已被邀请或绑定数量已达上限。',
    ONE_CALL,
  ),
  row([65411, 65412, 65413], 'done', 'What was asked for is so already.', '已处于所需状态。'),
  row(
    [65414],
    'drop',
    'Another agent serves this customer in WeChat’s own customer service.',
    '用户正由其他客服接待。',
  ),
  row([65415], 'drop', 'This agent is not online in WeChat’s own customer service.', '指定的客服不在线。'),
  row([70000], 'drop', 'WeChat has not sent the message, to protect minors.', '因未成年人保护，消息未发送。'),
  row([87014], 'drop', 'WeChat takes the content for a risk.', '内容存在风险。'),
  row(
    [89501, 89503, 89504, 89505],
    'wait',
    'The account’s administrator has to confirm this machine’s address: they were asked in WeChat.',
    '需管理员在微信中确认本机 IP。',
    TOKEN,
  ),
  row(
    [89506],
    'wait',
    'The account’s administrator has refused this machine’s address for a day.',
    '管理员已拒绝本机 IP，24 小时后可再试。',
    TOKEN,
  ),
  row(
    [89507],
    'wait',
    'The account’s administrator has refused this machine’s address for an hour.',
    '管理员已拒绝本机 IP，1 小时后可再试。',
    TOKEN,
  ),
]

/** The call that sends a message. */
export const SEND_PATH = '/cgi-bin/message/custom/send'

/**
 * What is wrong with a message's customer-service account, and how long: it goes out under the account's own name. Who
 * serves a customer, or is online, may be another the next time.
 */
export const WITHOUT_IDENTITY: ReadonlyMap<number, 'from now on' | 'this time'> = new Map([
  [61452, 'from now on'],
  [61455, 'from now on'],
  [65400, 'from now on'],
  [65401, 'from now on'],
  [65402, 'from now on'],
  [65404, 'from now on'],
  [65414, 'this time'],
  [65415, 'this time'],
])

/** What is done about a number that nobody has told us of. */
export const UNKNOWN: Omit<ErrorRow, 'codes'> = {
  action: 'drop',
  ...DELIVERY.drop,
  says: {
    en: 'This number is not known here. Search for it in WeChat’s documentation, with the rid.',
    'zh-CN': '未知的错误码，请凭 rid 查询微信文档。',
  },
}

const BY_CODE: ReadonlyMap<number, ErrorRow> = new Map(ERRORS.flatMap((one) => one.codes.map((code) => [code, one])))

/** When a call that asks for an access token is refused so, the AppSecret is what is wrong. */
const SECRET_WRONG = BY_CODE.get(40125)

/** What WeChat says of one refused call. */
export interface Refused {
  readonly errcode: number
  readonly errmsg: string
  /** The call's path, such as `/cgi-bin/message/custom/send`. */
  readonly path: string
  /** It was the call for an access token: there `40001` is about the AppSecret. */
  readonly isTokenCall?: boolean | undefined
}

/** WeChat refused a call. The message has its number and words, what it means and what to do. */
export class WeChatError extends Error {
  override readonly name = 'WeChatError'
  readonly errcode: number
  readonly errmsg: string
  /** WeChat's handle of this very call, for its support. */
  readonly rid: string | undefined
  readonly path: string
  readonly action: Action
  readonly scope: 'chat' | 'channel'
  /** The code of the `DeliveryError` that a message ends with. */
  readonly delivery: string
  /** What it means and what to do, in the operator's words. */
  readonly says: ErrorRow['says']

  constructor({ errcode, errmsg, path, isTokenCall = false }: Refused) {
    const found = isTokenCall ? ofTokenCall(errcode) : ofCall(path, BY_CODE.get(errcode) ?? UNKNOWN)
    const said = errmsg.slice(0, MAX_ERRMSG_CHARS).toWellFormed()
    super(`${path}: ${errcode} ${said}. ${found.says.en}`)
    this.errcode = errcode
    this.errmsg = said
    this.rid = /\brid: ?([\w-]{1,64})/.exec(said)?.[1]
    this.path = path
    this.action = found.action
    this.scope = found.scope
    this.delivery = found.delivery
    this.says = found.says
  }
}

/** Without a token nothing can be sent, and nothing has been: what is wrong is never one message. */
function ofTokenCall(errcode: number): Omit<ErrorRow, 'codes'> {
  const found = (errcode === 40001 ? SECRET_WRONG : BY_CODE.get(errcode)) ?? UNKNOWN
  if (found.action === 'retry' || found.action === 'wait' || found.delivery === TOKEN.delivery) return found
  return { ...found, action: 'config', scope: 'channel', ...TOKEN }
}

/** A quota, or a right, is one of a single call: the account without that of uploading can send texts. */
function ofCall(path: string, found: Omit<ErrorRow, 'codes'>): Omit<ErrorRow, 'codes'> {
  if (path === SEND_PATH || found.scope === 'chat' || found.delivery === TOKEN.delivery) return found
  return { ...found, scope: 'chat', delivery: found.action === 'wait' ? found.delivery : ONE_CALL.delivery }
}

/** Whether the platform refused because of this one customer: what is asked about others may go well. */
export function isAboutCustomer(error: unknown): boolean {
  return error instanceof WeChatError && error.delivery === NO_CHAT.delivery
}

/** How much of what the platform says is kept. */
const MAX_ERRMSG_CHARS = 300

/** How long `wait` waits. */
const WAITS_MS: { readonly [errcode: number]: number } = { 45011: MINUTE_MS, 89506: DAY_MS, 89507: HOUR_MS }

/**
 * The error with which `send` ends: what WeChat refused, as the core knows it. Whatever is no refusal is given back as
 * it is: the core sees for itself whether the message may have gone out.
 */
export function toDeliveryError(error: unknown, nowMs: number): unknown {
  if (!(error instanceof WeChatError)) return error
  const { action, scope, delivery, errcode, message } = error
  const retryAfterMs = action === 'wait' ? waitMs(errcode, nowMs) : undefined
  const retry = action === 'retry' || action === 'wait' || scope === 'channel'
  return new DeliveryError(delivery, { scope, retry, retryAfterMs, message, cause: error })
}

/**
 * Until the next day where it is the day's quota, but never longer than an hour at once: the operator may have cleared
 * the quota by hand, and that the day begins at midnight in Shanghai is not confirmed.
 */
function waitMs(errcode: number, nowMs: number): number {
  const untilMidnightMs = DAY_MS - ((nowMs + SHANGHAI_MS) % DAY_MS)
  return WAITS_MS[errcode] ?? Math.min(untilMidnightMs, HOUR_MS)
}
