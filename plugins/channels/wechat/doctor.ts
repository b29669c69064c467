/**
 * What `switchboard doctor` tells of an account: what is right, what is missing, and what to click. It asks for a token
 * as everybody may (a stable one, not by force), so nothing that runs loses its own, and it changes nothing.
 */
import { isIP } from 'node:net'
import { type Diagnosis, type Examining, isPrivateAddress, messageOf, z } from '#core'
import type { Identities } from '../../services/identities.ts'
import { listAccounts, planOf, wantedOf } from './identities/identities.ts'
import { wechatIdProblem } from './identities/names.ts'
import { differenceOf, readMenu, toWire } from './menu/menu.ts'
import { type Api, WeChatError } from './sending/api.ts'
import { modeOf, type Settings } from './settings.ts'

type Words = Diagnosis['says']
const words = (en: string, chinese: string): Words => ({ en, 'zh-CN': chinese })

interface Patient {
  readonly config: Settings
  /** The channel's name in the YAML. */
  readonly name: string
  /** The address that the platform has to be told. */
  readonly url: string
  readonly api: Pick<Api, 'get' | 'post'>
  readonly identities: Identities | undefined
  readonly signal: Examining['signal']
}

export async function diagnose(patient: Patient): Promise<readonly Diagnosis[]> {
  const here = [address(patient), encryption(patient.config)]
  const token = await access(patient)
  // Without a token nothing else can be asked.
  if (token.state !== 'ok') return [token, ...here, receivers()]
  const asked = await Promise.all([
    rights(patient),
    quotas(patient),
    customerService(patient),
    menuOf(patient),
    ownDesk(patient),
    blocked(patient),
  ])
  return [token, ...here, ...asked.flat(), receivers()]
}

const Anything = z.looseObject({})

// ── the token ───────────────────────────────────────────────────────────────────────────────

async function access({ api, signal }: Patient): Promise<Diagnosis> {
  const about = words('access token', '接口凭证')
  try {
    await api.get('/cgi-bin/getcallbackip', {}, Anything, { signal })
    return {
      about,
      state: 'ok',
      says: words(
        'AppID and AppSecret are right, and this machine’s address is on the list.',
        'AppID、AppSecret 正确，本机 IP 已在白名单中。',
      ),
    }
  } catch (error) {
    const refused = refusalIn(error)
    if (!refused) return unreachable(about, error)
    return { about, state: 'missing', says: withNumber(refused.errcode, refused.says), next: nextOf(refused) }
  }
}

/** This machine’s address, as WeChat has seen it: `invalid ip 203.0.113.7 ipv6 ::ffff:203.0.113.7, not in whitelist`. */
const SEEN_ADDRESS = /\bip ([0-9a-f.:]*[0-9a-f])/i
/** The AppID or the AppSecret is wrong. So is 40001 where it is for the operator: as the answer to the call for a token. */
const KEYS_WRONG: ReadonlySet<number> = new Set([40001, 40013, 40125])

/** What to click; of all other refusals the sentence itself says what there is to do. */
function nextOf({ errcode, errmsg, action }: WeChatError): Words | undefined {
  const ip = errcode === 40164 ? SEEN_ADDRESS.exec(errmsg)?.[1] : undefined
  if (ip !== undefined)
    return words(
      `mp.weixin.qq.com, Settings and development, Development interface management, IP allow-list: add ${ip}.`,
      `mp.weixin.qq.com → 设置与开发 → 开发接口管理 → IP白名单：添加 ${ip}。`,
    )
  if (action !== 'config' || !KEYS_WRONG.has(errcode)) return undefined
  return words(
    'mp.weixin.qq.com, Settings and development, Development interface management: compare AppID and AppSecret; reset the AppSecret if nobody has it any more.',
    'mp.weixin.qq.com → 设置与开发 → 开发接口管理：核对 AppID 与 AppSecret，遗失时重置。',
  )
}

/** What refused a call, also where it is the cause of what the core knows. */
function refusalIn(error: unknown): WeChatError | undefined {
  if (error instanceof WeChatError) return error
  return error instanceof Error && error.cause instanceof WeChatError ? error.cause : undefined
}

/** A question that got no answer is not well: nobody has looked at what it asks about. */
function unreachable(about: Words, error: unknown): Diagnosis {
  const [what, ...causes] = causesOf(error)
  const because = causes.length > 0 ? `${what} (${causes.join('; ')})` : what
  return {
    about,
    state: 'missing',
    says: words(`WeChat could not be asked: ${because}`, `无法访问微信接口：${because}`),
  }
}

/** With what is behind it: that a name was not found, or that the address is not one to ask. */
function causesOf(error: unknown): readonly string[] {
  const text = messageOf(error)
  return error instanceof Error && error.cause instanceof Error ? [text, ...causesOf(error.cause)] : [text]
}

function withNumber(errcode: number, says: Words): Words {
  return Object.fromEntries(Object.entries(says).map(([language, text]) => [language, `${text} (${errcode})`]))
}

/** Of a question that went wrong: what WeChat says is the operator's to do, or that it could not be asked. */
function failed(about: Words, error: unknown): Diagnosis {
  const refused = refusalIn(error)
  if (!refused) return unreachable(about, error)
  return {
    about,
    state: refused.action === 'config' ? 'missing' : 'unknown',
    says: withNumber(refused.errcode, refused.says),
  }
}

// ── what stands in the YAML ─────────────────────────────────────────────────────────────────

/** Source: https://developers.weixin.qq.com/doc/offiaccount/Getting_Started/message-push.html, read 2026-11-20: http on port 80, https on 443. */
function address({ url }: Patient): Diagnosis {
  const about = words('server address', '服务器地址')
  const { protocol, port, hostname } = new URL(url)
  const ip = hostname.replace(/^\[|\]$/g, '')
  const isLocal = hostname === 'localhost' || hostname.endsWith('.local') || (isIP(ip) !== 0 && isPrivateAddress(ip))
  if (port !== '' || isLocal) {
    return {
      about,
      state: 'missing',
      says: words(
        `WeChat cannot reach ${url}: it asks public addresses only, on port 80 or 443.`,
        `微信无法访问 ${url}：仅支持公网地址的 80 或 443 端口。`,
      ),
      next: words(
        'Set server.publicUrl to the public address, and have your web server pass it on to this one.',
        '将 server.publicUrl 设为公网地址，并由反向代理转发到本服务。',
      ),
    }
  }
  const clear =
    protocol === 'https:'
      ? words('', '')
      : words(' It is not encrypted on its way; https is better.', ' 当前为明文 http，建议使用 https。')
  return {
    about,
    state: 'unknown',
    says: words(
      `WeChat does not tell which address it pushes to; it should be ${url}.${clear.en}`,
      `微信不提供当前推送地址的查询，应为 ${url}。${clear['zh-CN']}`,
    ),
    next: words(
      `mp.weixin.qq.com, Settings and development, Development interface management, Server configuration: URL ${url}, the same Token, enabled.`,
      `mp.weixin.qq.com → 设置与开发 → 开发接口管理 → 服务器配置：URL 填 ${url}，Token 一致，并启用。`,
    ),
  }
}

function encryption(config: Settings): Diagnosis {
  const about = words('encryption', '加密模式')
  const mode = modeOf(config)
  if (mode === 'secure')
    return { about, state: 'ok', says: words('Only encrypted messages are taken.', '仅接收加密消息（安全模式）。') }
  const says =
    mode === 'compatible'
      ? words('Clear messages are taken too, for changing over.', '兼容模式：明文消息也会接收，仅用于过渡。')
      : words(
          'Messages come in clear: signed, but anybody on the way can read them.',
          '明文模式：消息有签名但未加密，途中可被读取。',
        )
  return {
    about,
    state: 'ok',
    says,
    next: words(
      'Better: secure mode (安全模式) in the server configuration of mp.weixin.qq.com, and its EncodingAESKey under encodingAesKey.',
      '建议在 mp.weixin.qq.com 服务器配置中选择“安全模式”，并在 encodingAesKey 填写 EncodingAESKey。',
    ),
  }
}

// ── rights ──────────────────────────────────────────────────────────────────────────────────

/** Refusals that say that the account, or this program for it, may not make a call at all. */
const NOT_GRANTED: ReadonlySet<number> = new Set([48001, 48004, 61003, 61004, 61007])

interface Right {
  readonly about: Words
  /** Only certified accounts have it. */
  readonly isCertified: boolean
  /** Whether what the YAML says cannot be done without. */
  isRequired(config: Settings): boolean
  /** What does not work without. */
  readonly without: Words
  /** Asks something that costs little and changes nothing. */
  ask(api: Patient['api'], signal: AbortSignal): Promise<unknown>
}

/**
 * The sets of permissions, each by one call of it.
 * Source: https://developers.weixin.qq.com/doc/oplatform/en/Third-party_Platforms/2.0/product/offical_account_authority.html, read 2026-11-20.
 */
const RIGHTS: readonly Right[] = [
  {
    about: words('right: message management', '权限：消息管理'),
    isCertified: true,
    isRequired: ({ replyBy }) => replyBy !== 'passive',
    without: words(
      'answers go out only inside the response to a message (replyBy: passive), one each, within five seconds.',
      '只能被动回复：每条消息一个回复，且须在五秒内（replyBy: passive）。',
    ),
    // Nobody has this id, so nobody is shown anything.
    ask: (api, signal) =>
      api.post('/cgi-bin/message/custom/typing', { touser: 'nobody', command: 'Typing' }, Anything, { signal }),
  },
  {
    about: words('right: custom menu', '权限：自定义菜单'),
    isCertified: true,
    isRequired: ({ replyBy, menu }) => replyBy !== 'passive' || menu !== undefined,
    without: words('the menu of the YAML cannot be set.', '无法设置 YAML 中的菜单。'),
    ask: (api) => readMenu(api),
  },
  {
    about: words('right: user management', '权限：用户管理'),
    isCertified: true,
    isRequired: ({ replyBy, tags, blacklist }) => replyBy !== 'passive' || tags || blacklist,
    without: words(
      'nothing is known of customers but their id; tags and blacklist stay here.',
      '除 openid 外无法获取用户资料，标签与黑名单也无法同步。',
    ),
    ask: (api, signal) => api.get('/cgi-bin/tags/get', {}, Anything, { signal }),
  },
  {
    about: words('right: mass messaging and notification', '权限：群发与通知'),
    isCertified: false,
    isRequired: () => false,
    without: words('no template messages.', '无法使用模板消息。'),
    ask: (api, signal) => api.get('/cgi-bin/template/get_all_private_template', {}, Anything, { signal }),
  },
  {
    about: words('right: material management', '权限：素材管理'),
    isCertified: false,
    isRequired: () => false,
    without: words('no menu buttons with permanent material.', '菜单无法使用永久素材。'),
    ask: (api, signal) => api.get('/cgi-bin/material/get_materialcount', {}, Anything, { signal }),
  },
]

const NOT_ASKED: Diagnosis = {
  about: words('rights: account and webpage service', '权限：账号服务、网页服务'),
  state: 'unknown',
  says: words(
    'They cannot be asked for without doing something, and nothing here needs them: scene codes are made in the console.',
    '无法在不产生影响的情况下检测，本系统也不需要；带参二维码请在公众平台生成。',
  ),
}

async function rights({ config, api, signal }: Patient): Promise<readonly Diagnosis[]> {
  const all = await Promise.all(RIGHTS.map(async (right) => ({ right, error: await errorOf(right.ask(api, signal)) })))
  return [
    certification(
      config,
      all.filter(({ right }) => right.isCertified).map(({ error }) => error),
    ),
    ...all.map(({ right, error }) => rightAsFound(config, right, error)),
    NOT_ASKED,
  ]
}

/** `errors`: what came of asking for the rights that only certified accounts have. */
function certification({ replyBy }: Settings, errors: readonly unknown[]): Diagnosis {
  const about = words('certification', '微信认证')
  if (errors.some(isGranted))
    return {
      about,
      state: 'ok',
      says: words('The account has rights that only certified ones have.', '公众号具有认证账号的接口权限。'),
    }
  if (!errors.every((error) => refusalIn(error)?.errcode === 48001))
    return {
      about,
      state: 'unknown',
      says: words(
        'The rights below would tell it, and they could not be looked at.',
        '需根据下列权限判断，但未能检测。',
      ),
    }
  if (replyBy === 'passive')
    return {
      about,
      state: 'ok',
      says: words(
        'The account is not certified (or of a kind without these rights), and answers inside responses only, as replyBy: passive says.',
        '公众号未认证（或账号类型不支持），按 replyBy: passive 仅被动回复。',
      ),
    }
  return {
    about,
    state: 'missing',
    says: words(
      'The account is not certified (or of a kind without these rights): it can only answer inside responses, and menu, profiles, tags and identities are lost.',
      '公众号未认证（或账号类型不支持）：仅能被动回复，菜单、用户资料、标签与客服身份均不可用。',
    ),
    next: words(
      'mp.weixin.qq.com, Settings and development, WeChat certification (微信认证), as an enterprise. Until then set replyBy: passive.',
      'mp.weixin.qq.com → 设置与开发 → 微信认证，以企业主体认证。在此之前请设置 replyBy: passive。',
    ),
  }
}

/** Whatever else is refused about the call, it was not the right. */
function isGranted(error: unknown): boolean {
  return error === undefined || WITH_RIGHT.has(refusalIn(error)?.errcode ?? 0)
}

function rightAsFound(config: Settings, { about, isRequired, without }: Right, error: unknown): Diagnosis {
  if (isGranted(error)) return { about, state: 'ok', says: words('Granted.', '已获得。') }
  const refused = refusalIn(error)
  if (!refused) return unreachable(about, error)
  if (!NOT_GRANTED.has(refused.errcode))
    return { about, state: 'unknown', says: withNumber(refused.errcode, refused.says) }
  if (isRequired(config))
    return {
      about,
      state: 'missing',
      says: words(`Not granted: ${without.en}`, `未获得：${without['zh-CN']}`),
      next: words(
        'mp.weixin.qq.com, Settings and development, Interface permissions (接口权限): see what it needs.',
        'mp.weixin.qq.com → 设置与开发 → 接口权限：查看所需条件。',
      ),
    }
  return {
    about,
    state: 'ok',
    says: words(`Not granted, and not needed: ${without.en}`, `未获得，非必需：${without['zh-CN']}`),
  }
}

/** Refused for what was asked, which only somebody with the right is told. */
const WITH_RIGHT: ReadonlySet<number> = new Set([40003, 45015, 45080, 46003])

async function errorOf(work: Promise<unknown>): Promise<unknown> {
  return work.then(
    () => undefined,
    (error: unknown) => error,
  )
}

// ── quotas ──────────────────────────────────────────────────────────────────────────────────

/** The names of its fields are not confirmed by a page of the platform: one that is not there is not told. */
const Quota = z.object({
  quota: z.object({ daily_limit: z.number(), used: z.number().optional(), remain: z.number().optional() }),
})
const COUNTED = ['/cgi-bin/message/custom/send', '/cgi-bin/user/info', '/cgi-bin/menu/create']

async function quotas({ api, signal }: Patient): Promise<readonly Diagnosis[]> {
  return Promise.all(
    COUNTED.map(async (path): Promise<Diagnosis> => {
      const about = words(`quota: ${path}`, `接口额度：${path}`)
      try {
        const { quota } = await api.post('/cgi-bin/openapi/quota/get', { cgi_path: path }, Quota, { signal })
        const { daily_limit: limit, used = 0, remain = limit - used } = quota
        const isLeft = remain > 0
        return {
          about,
          state: isLeft ? 'ok' : 'missing',
          says: words(`${remain} of ${limit} calls left today.`, `今日剩余 ${remain} / ${limit} 次。`),
          next: isLeft
            ? undefined
            : words(
                'Wait until midnight in Beijing, or clear it (ten times a month) at mp.weixin.qq.com, Interface permissions.',
                '等待次日零点，或在 mp.weixin.qq.com 接口权限页清零（每月十次）。',
              ),
        }
      } catch (error) {
        const refused = refusalIn(error)
        if (!refused) return unreachable(about, error)
        return { about, state: 'unknown', says: withNumber(refused.errcode, refused.says) }
      }
    }),
  )
}

// ── identities ──────────────────────────────────────────────────────────────────────────────

async function customerService(patient: Patient): Promise<readonly Diagnosis[]> {
  const { config, name, api, identities } = patient
  const declared = identities?.list(name).filter(({ isSeen }) => isSeen) ?? []
  const feature = words('customer-service feature', '客服功能')
  const isNeeded = declared.length > 0
  try {
    const there = await listAccounts(api)
    return [
      { about: feature, state: 'ok', says: words('It is switched on.', '已开通。') },
      wechatId(config, isNeeded, there),
      ...(isNeeded ? [plan(wantedOf(config, declared), there, config.identityLimit)] : []),
    ]
  } catch (error) {
    const found = failed(feature, error)
    const isOff = refusalIn(error)?.errcode === 65400
    const next = isOff
      ? words(
          'mp.weixin.qq.com, Features (功能), Customer Service (客服功能), Enable; then wait some minutes. Until then messages go out under the account’s own name and logo.',
          'mp.weixin.qq.com → 功能 → 客服功能 → 开通，并等待几分钟。在此之前消息以公众号名称和头像发送。',
        )
      : found.next
    return [{ ...found, state: isNeeded ? found.state : 'unknown', next }, wechatId(config, isNeeded, [])]
  }
}

type There = Awaited<ReturnType<typeof listAccounts>>

function wechatId({ wechatId: id }: Settings, isNeeded: boolean, there: There): Diagnosis {
  const about = words('WeChat ID', '公众号微信号')
  const problem = wechatIdProblem(id)
  if (problem) {
    const says = words(
      isNeeded ? `For identities ${problem.message}` : 'Nothing here needs one.',
      isNeeded ? '使用客服身份需要设置公众号微信号（不能是系统生成的 gh_…）。' : '目前不需要。',
    )
    const next = isNeeded
      ? words(
          problem.instead,
          'mp.weixin.qq.com → 设置与开发 → 公众号设置 → 账号详情：设置微信号（一年只能修改一次），并填入 wechatId。',
        )
      : undefined
    return { about, state: isNeeded ? 'missing' : 'ok', says, next }
  }
  const others = there.filter(({ kf_account }) => !kf_account.toLowerCase().endsWith(`@${id?.toLowerCase()}`))
  const [other] = others
  if (!other) return { about, state: 'ok', says: words(`It is ${id}.`, `为 ${id}。`) }
  return {
    about,
    state: 'unknown',
    says: words(
      `The YAML says ${id}, and there are customer-service accounts such as ${other.kf_account}: one of the two is an older WeChat ID. It can be changed only once a year.`,
      `YAML 中为 ${id}，但存在客服账号 ${other.kf_account}：其中一个是旧微信号。微信号一年只能修改一次。`,
    ),
    next: words(
      'Compare with mp.weixin.qq.com, Account information. After a change new customer-service accounts are made under the new one.',
      '与 mp.weixin.qq.com 账号详情核对。修改后会以新微信号重新创建客服账号。',
    ),
  }
}

/** What the program will do at its next start or reload, by itself. */
function plan(wanted: ReturnType<typeof wantedOf>, there: There, limit: number): Diagnosis {
  const about = words('identities', '客服身份')
  const plans = planOf(wanted, there, [])
  const create = plans
    .filter((one) => one.create)
    .map(({ wanted: { account, nickname } }) => `${account} "${nickname}"`)
  const rename = plans.flatMap(({ wanted: { account, nickname }, renameFrom }) =>
    renameFrom === undefined ? [] : [`${account} "${renameFrom}" → "${nickname}"`],
  )
  const others = there.filter(
    ({ kf_account }) => !wanted.some(({ account }) => account.toLowerCase() === kf_account.toLowerCase()),
  ).length
  const total = there.length + create.length
  if (total > limit) {
    return {
      about,
      state: 'missing',
      says: words(
        `With those that are there it would be ${total} customer-service accounts, and the account takes ${limit}.`,
        `加上现有账号共 ${total} 个客服账号，超过上限 ${limit}。`,
      ),
      next: words(
        'Delete some at mp.weixin.qq.com, Features, Customer Service: the program deletes none.',
        '请在 mp.weixin.qq.com 客服功能中删除部分账号；本程序不会删除。',
      ),
    }
  }
  const left = words(
    others > 0 ? ` ${others} others are there and left alone.` : '',
    others > 0 ? ` 另有 ${others} 个账号保持不变。` : '',
  )
  if (create.length + rename.length === 0) {
    const says = words(
      `All ${wanted.length} are there with their names.${left.en}`,
      `${wanted.length} 个均已就绪。${left['zh-CN']}`,
    )
    return { about, state: 'ok', says }
  }
  const did = words(
    [...create.map((one) => `make ${one}`), ...rename.map((one) => `rename ${one}`)].join('; '),
    [...create.map((one) => `创建 ${one}`), ...rename.map((one) => `改名 ${one}`)].join('；'),
  )
  return {
    about,
    state: 'unknown',
    says: words(
      `The program will, when it starts: ${did.en}. Nothing is deleted, and customers see it some minutes later.${left.en}`,
      `程序启动时将：${did['zh-CN']}。不会删除任何账号，几分钟后生效。${left['zh-CN']}`,
    ),
  }
}

// ── menu, and who else is there ─────────────────────────────────────────────────────────────

async function menuOf({ config, api }: Patient): Promise<readonly Diagnosis[]> {
  const about = words('menu', '自定义菜单')
  if (!config.menu)
    return [
      {
        about,
        state: 'ok',
        says: words('The YAML has none: the account’s own is left alone.', 'YAML 未设置菜单，保持现状。'),
      },
    ]
  try {
    const { menu, conditional } = await readMenu(api)
    const difference = differenceOf(menu, toWire(config.menu))
    const also = words(
      conditional > 0 ? ` ${conditional} conditional menus of others are shown to some customers instead.` : '',
      conditional > 0 ? ` 另有 ${conditional} 个个性化菜单会对部分用户优先显示。` : '',
    )
    if (!difference)
      return [
        {
          about,
          state: 'ok',
          says: words(`It is as the YAML says.${also.en}`, `与 YAML 一致。${also['zh-CN']}`),
        },
      ]
    const { added, removed } = difference
    const changes = [...removed.map((line) => `− ${line}`), ...added.map((line) => `+ ${line}`)].join('; ')
    return [
      {
        about,
        state: 'unknown',
        says: words(
          `It is another one than the YAML says, and the program sets it when it starts: ${changes || 'the order'}. The last to write it wins.${also.en}`,
          `与 YAML 不一致，程序启动时会更新：${changes || '顺序'}。最后写入者生效。${also['zh-CN']}`,
        ),
      },
    ]
  } catch (error) {
    return [failed(about, error)]
  }
}

const Online = z.object({ kf_online_list: z.array(z.unknown()).default([]) })

/** Source: https://developers.weixin.qq.com/doc/offiaccount/Customer_Service/New_customer_service_feature.html, by the copy of 2017; read 2026-11-20. */
async function ownDesk({ api, signal }: Patient): Promise<readonly Diagnosis[]> {
  const about = words('WeChat’s own desk', '微信多客服')
  try {
    const { kf_online_list: online } = await api.get('/cgi-bin/customservice/getonlinekflist', {}, Online, { signal })
    if (online.length === 0) return []
    return [
      {
        about,
        state: 'missing',
        says: words(
          `${online.length} people are online there, and receive nothing: messages come here.`,
          `有 ${online.length} 位客服在线，但消息已推送到本系统，他们收不到消息。`,
        ),
        next: words('Have them work at the desk of this system.', '请他们改用本系统的工作台。'),
      },
    ]
  } catch {
    // That there is no such desk, the feature above has said.
    return []
  }
}

const Blocked = z.object({ total: z.int().nonnegative() })

/** Source: https://developers.weixin.qq.com/doc/subscription/api/usermanage/userinfo/api_getblacklist.html, read 2026-11-20. */
async function blocked({ config, api, signal }: Patient): Promise<readonly Diagnosis[]> {
  const about = words('blacklist', '黑名单')
  try {
    const body = { begin_openid: '' }
    const { total } = await api.post('/cgi-bin/tags/members/getblacklist', body, Blocked, { signal })
    if (total === 0) return []
    const unheard = words(
      `${total} customers are blocked at WeChat: what they write does not come in.`,
      `有 ${total} 位用户被公众号拉黑，他们的消息不会推送到本系统。`,
    )
    if (config.blacklist) return [{ about, state: 'ok', says: unheard }]
    return [
      {
        about,
        state: 'unknown',
        says: words(
          `${unheard.en} blacklist is off: those whom this program has blocked are taken off within five minutes while it runs; the others somebody has blocked in the console.`,
          `${unheard['zh-CN']}当前 blacklist 未启用：由本程序拉黑的用户会在程序运行后五分钟内移出，其余为在公众平台手动拉黑。`,
        ),
        next: words(
          'mp.weixin.qq.com, User management, Blacklist (黑名单): see who is there.',
          'mp.weixin.qq.com → 用户管理 → 黑名单：查看名单。',
        ),
      },
    ]
  } catch {
    // That this cannot be asked, the right above has said.
    return []
  }
}

/** Nobody can ask the platform who else is there. */
function receivers(): Diagnosis {
  return {
    about: words('other receivers', '其他接收方'),
    state: 'unknown',
    says: words(
      'WeChat does not tell whether another authorised platform receives the messages too: then both answer, and of two menus the last one counts. While messages come here, WeChat’s own desk receives none. A signed-in user of your own site cannot be told apart here.',
      '微信不提供其他第三方平台是否同时接收消息的查询：若有，双方都会回复，菜单以最后写入者为准。消息推送到本系统后，微信自带的多客服不再收到消息。此处无法绑定自有网站的登录用户。',
    ),
    next: words(
      'mp.weixin.qq.com, Settings and development, Account settings, Authorisation management (授权管理): see who is there.',
      'mp.weixin.qq.com → 设置与开发 → 公众号设置 → 授权管理：查看已授权的平台。',
    ),
  }
}
