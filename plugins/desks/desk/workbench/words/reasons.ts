/**
 * The reasons that the core, the desk and the plugins that come with it write into the journal, in Chinese. They stand
 * there as English sentences, for `explain` and for programs; here each is known by its form. What people and other
 * plugins write themselves is no such sentence, and stays as it is.
 */

/** `$1` … are put in as they stand there; of `«1»` the reason inside is said in Chinese, too. */
const FORMS: readonly (readonly [form: RegExp, chinese: string])[] = [
  // ── what became of a reason: first, as everything may stand before it ──
  [/^(.+), but nobody is there at (\S+)$/, '«1»，但 $2 无人在线'],
  [/^(.+), but no route has no people$/, '«1»，但没有可用的路由'],
  [/^(.+), but (\S+) has no people$/, '«1»，但 $2 没有人工'],
  [/^(.+); what was said before it is answered \((.+)\)$/, '«1»；之前的消息已回复（«2»）'],
  [/^(.+): no conversation is open$/, '«1»：没有进行中的会话'],
  [/^(.+): NEW_MESSAGE, the customer has just written$/, '«1»：客户刚刚又发来消息'],
  [/^(.+): No conversation is open here\.$/, '«1»：没有进行中的会话'],

  // ── why it began, and why it came to people ──
  [/^message on ((?:routes\[\d+\]|[a-z\d][\w-]*))$/, '客户发来消息（$1）'],
  [/^menu-click on ((?:routes\[\d+\]|[a-z\d][\w-]*))$/, '客户点击菜单（$1）'],
  [/^scan on ((?:routes\[\d+\]|[a-z\d][\w-]*))$/, '客户扫码（$1）'],
  [/^the route is (\S+)$/, '路由模式为 $1'],
  [/^menu (.+)$/, '菜单“$1”'],
  [/^keyword (.+)$/, '关键词“$1”'],
  [/^pattern (.+)$/, '匹配规则 $1'],
  [/^(\d+) unknown answers of (.+)$/, '$2 连续 $1 次未能回答'],
  [/^(\d+) failures of the bot$/, '机器人连续 $1 次出错'],
  [/^a guided answer of (.+)$/, '$1 引导客户转人工'],
  [/^understood (.+) \(([\d.]+)\)$/, '理解为“$1”（$2）'],
  [/^(\S+) understood (.+)$/, '$1 理解为“$2”'],
  [/^may be (.+ \([\d.]+\))$/, '可能是 $1'],
  [/^chose (.+)$/, '客户选择了“$1”'],
  [/^none of the questions that were offered$/, '客户表示都不是所列的问题'],
  [/^the model asked for a person$/, '模型请求转人工'],
  [/^the model asked for a person: (.+)$/, '模型请求转人工：$1'],
  [/^the model said so$/, '模型表示无法回答'],
  [/^(\d+) \+ (\d+) tokens$/, '用量 $1 + $2 词元'],
  [/^(\d+) \+ (\d+) tokens, cost (\S+)$/, '用量 $1 + $2 词元，费用 $3'],
  [/^the bot asked for a person$/, '机器人请求转人工'],
  [/^the bot closed it$/, '机器人结束了会话'],
  [/^([a-z\d][\w-]*) answered$/, '$1 已回复'],
  [/^unknown$/, '未能回答'],
  [/^unknown (\S+): (.+)$/, '未能回答（$1）：«2»'],
  [/^unknown: (.+)$/, '未能回答：«1»'],
  [/^without words$/, '没有文字内容'],
  [/^a voice message without its words$/, '语音没有识别出文字'],
  [/^nobody of them is there$/, '组内无人在线'],
  [/^(\S+) has no team (.+) \(known: (.+)\)$/, '$1 没有客服组“$2”（已有：$3）'],

  // ── who was given it, and who lost it ──
  [/^had the customer before, in (.+)$/, '之前接待过该客户（$1）'],
  [/^next in turn of (.+)$/, '在“$1”中轮到'],
  [/^least busy of (.+)$/, '在“$1”中会话最少'],
  [/^(\S+) has only just closed the last one$/, '$1 刚结束与该客户的上一次会话'],
  [/^(\S+) has not answered within ([\d.]+) s$/, '$1 未在 $2 秒内回复'],
  [/^([a-z\d][\w-]*) is gone$/, '$1 已离开'],
  [/^([a-z\d][\w-]*) took it$/, '$1 主动接入'],
  [/^given to ([a-z\d][\w-]*)$/, '指派给 $1'],
  [/^transferred to ([a-z\d][\w-]*)$/, '转接给 $1'],
  [/^back to the queue$/, '退回排队'],
  [/^given back to the bot$/, '转回机器人'],
  [/^(\S+) called back$/, '$1 回访客户'],
  [/^(\S+) is no longer at (\S+)$/, '$1 已不在 $2'],
  [/^(\S+) is no longer in the configuration$/, '$1 已从配置中移除'],

  // ── why it ended ──
  [/^the customer ended the chat$/, '客户结束了对话'],
  [/^the customer left the queue$/, '客户退出了排队'],
  [/^no channel has the account (.+) any more$/, '账号 $1 已没有对应的渠道'],
  [/^The customer has deleted their WeChat account\.$/, '客户已注销微信账号'],

  // ── what became of an event ──
  [/^blacklisted \((.+)\)$/, '在黑名单中（$1）'],
  [/^gathered with the next message$/, '与下一条消息合并处理'],
  [/^(\S+) has the conversation$/, '会话由 $1 接待'],
  [/^people have the conversation$/, '会话由人工接待'],
  [/^(\S+) is only noted$/, '$1 仅作记录'],
  [/^nobody answers (\S+)$/, '无人处理 $1'],
  [/^no route from (\S+)$/, '没有来自 $1 的路由'],
  [/^no conversation$/, '没有会话'],
  [/^no bot answered$/, '没有机器人回复'],
  [/^([a-z\d][\w-]*) failed$/, '$1 出错'],
  [/^(\d+) listened$/, '已通知 $1 个插件'],
  [/^nothing to do for (.+)$/, '无需处理 $1'],
  [/^(\S+) is not there any more$/, '$1 已不存在'],
  [/^(.+) was set to a later time meanwhile$/, '$1 已改到更晚的时间'],
  [/^no channel has the account (.+)$/, '账号 $1 没有对应的渠道'],
  [/^the customer has written$/, '客户又发来消息'],
  [/^the conversation has changed$/, '会话已变化'],
  [/^the allowance has changed$/, '可回复额度已变化'],
  [/^it was interrupted$/, '处理被中断'],
  [/^It is with the bot ([\w-]+) now\.$/, '会话目前由机器人 $1 接待'],
  [/^It is with ([\w-]+) now\.$/, '会话目前由 $1 接待'],
  [/^It waits in the queue of (.+) now\.$/, '会话目前在“$1”排队'],
  [/^The owner has changed meanwhile\. (.+)$/, '接待方刚刚已变化。«1»'],
  [/^A conversation is open already\. (.+)$/, '已有进行中的会话。«1»'],
  [/^A closed conversation is not opened again\.$/, '已结束的会话不能重新打开'],
  [/^A bot opens a conversation only for itself\.$/, '机器人只能为自己打开会话'],
  [/^A bot hands over to a queue, not to a person\.$/, '机器人只能转到排队，不能指定到人'],
  [/^An agent opens a conversation only by calling back, and then it is theirs\.$/, '客服只能通过回访打开会话'],
  [/^A customer cannot do this\.$/, '客户不能这样做'],
  [/^A customer does not speak for our side\.$/, '客户不能代表我方发言'],
  [/^Counting is for bots\.$/, '只有机器人会计数'],
  [/^Only a reload removes an owner\.$/, '只有重新加载配置才会移除接待方'],
  [/^the platform’s own desk has let the customer go$/, '平台自带的客服已结束接待'],
  [/^(\S+) has the customer in the platform’s own desk$/, '客户由平台自带客服的 $1 接待'],

  // ── what the platform still takes ──
  [/^any number left$/, '条数不限'],
  [/^any number left until (.+)$/, '条数不限，截至 $1'],
  [/^(\d+) left$/, '剩余 $1 条'],
  [/^(\d+) left until (.+)$/, '剩余 $1 条，截至 $2'],

  // ── what was said, fitted to the channel ──
  [/^Texts were joined, because the platform takes only (\d+) more\.$/, '平台只再接收 $1 条，文字已合并'],
  [/^Only (\d+) of (\d+) messages are still taken by the platform\.$/, '平台只再接收 $2 条中的 $1 条'],
  [/^The picture was sent as text, because (.+)\.$/, '图片改以文字发送：«1»'],
  [/^The recording was sent as text, because (.+)\.$/, '语音改以文字发送：«1»'],
  [/^The video was sent as text, because (.+)\.$/, '视频改以文字发送：«1»'],
  [/^The file was sent as text, because (.+)\.$/, '文件改以文字发送：«1»'],
  [/^The location was sent as text, because (.+)\.$/, '位置改以文字发送：«1»'],
  [/^The link was sent as text, because (.+)\.$/, '链接改以文字发送：«1»'],
  [/^The list of choices was sent as text, because (.+)\.$/, '选项改以文字发送：«1»'],
  [/^The native message was sent as text, because (.+)\.$/, '平台消息改以文字发送：«1»'],
  [/^this channel has none$/, '此渠道不支持'],
  [/^it is for (\S+) and this is (\S+)$/, '它用于 $1，而这里是 $2'],
  [/^there are (\d+) and this channel takes (\d+)$/, '共 $1 个，此渠道只接收 $2 个'],
  [/^it takes more than half of what this channel takes at once$/, '超过此渠道一次可发长度的一半'],
  [/^it is (\S+) and this channel takes (.+)$/, '格式为 $1，此渠道只接收 $2'],
  [/^it has (\d+) bytes and this channel takes (\d+)$/, '大小为 $1 字节，此渠道只接收 $2 字节'],
  [
    /^A text was not sent, because this channel’s limit does not hold a single character of it\.$/,
    '文字超出渠道限制，未发送',
  ],
  [/^A text was sent as (\d+), because (.+)\.$/, '文字分 $1 条发送：«2»'],
  [/^this channel takes (\d+) characters at once$/, '此渠道一次只接收 $1 个字符'],
  [/^this channel takes (\d+) bytes at once$/, '此渠道一次只接收 $1 字节'],
  [/^this channel takes (\d+) characters and (\d+) bytes at once$/, '此渠道一次只接收 $1 个字符、$2 字节'],
  [/^This channel can answer only inside the platform’s own request\.$/, '此渠道只能在平台的请求中回复'],
  [/^The platform takes nothing before the customer has written or done something\.$/, '客户尚未发来消息，平台不接收'],
  [/^The time in which the platform takes messages is over, .+$/, '可回复时间已过，需等客户再次发来消息'],
  [/^All messages that the platform takes are used up, .+$/, '可回复条数已用完，需等客户再次发来消息'],
  [/^What the platform still takes is kept for people\.$/, '剩余条数留给人工'],
  [/^It was not ready within the time that the platform waits for a response\.$/, '未能在平台等待的时间内准备好'],
]

/** A reason as the journal has it, in Chinese; as it is when it is nobody’s that is known here. */
export function reasonInChinese(because: string): string {
  for (const [form, chinese] of FORMS) {
    const found = form.exec(because)
    if (found)
      return chinese.replaceAll(/\$(\d)|«(\d)»/g, (_, as?: string, inside?: string) =>
        as === undefined ? reasonInChinese(found[Number(inside)] ?? '') : (found[Number(as)] ?? ''),
      )
  }
  return because
}
