/** What most visitors are never told, in both languages: one table for each file that is fetched. */
import type { Language } from './words.ts'

/** Every word of one language must be there in the other. */
const both = <Words>(en: Words, zh: Words): Record<Language, Words> => ({ en, 'zh-CN': zh })

export const moreWords = both(
  {
    /** What has happened, as far as it is said. */
    system: {
      assigned: 'Someone from our team is here.',
      returned: 'Our assistant is answering again.',
      closed: 'This conversation has ended.',
    },
    /** This language, for those who look for it among others. */
    language: 'English',
    offline: 'No connection. What you write is sent later.',
    loading: 'Loading earlier messages…',
    waiting: 'Waiting to be sent',
    sending: 'Sending',
    retry: 'Try again',
    remove: 'Remove',
    notSent: 'Not sent.',
    full: 'This is as long as one message can be.',
  },
  {
    system: {
      assigned: '人工客服已接入',
      returned: '已转回智能助手',
      closed: '本次会话已结束',
    },
    language: '中文',
    offline: '连接已断开，您发送的消息会在恢复后送达。',
    loading: '正在加载更早的消息…',
    waiting: '等待发送',
    sending: '发送中',
    retry: '重试',
    remove: '删除',
    notSent: '发送失败',
    full: '已达到单条消息的字数上限。',
  },
)

export const fileWords = both(
  {
    image: 'Image',
    audio: 'Audio',
    video: 'Video',
    file: 'File',
    choose: 'Choose',
    enlarge: (name: string) => `Enlarge: ${name}`,
    closeImage: 'Close image',
    attach: (limit: string) => `Attach a file, up to ${limit}`,
    drop: (limit: string) => `Drop to send, up to ${limit} each`,
    tooLarge: (limit: string) => `Not sent: larger than ${limit}.`,
    wrongType: 'Not sent: files of this kind are not accepted.',
    tooMany: 'Not sent: too much has been uploaded. Try again later.',
  },
  {
    image: '图片',
    audio: '音频',
    video: '视频',
    file: '文件',
    choose: '请选择',
    enlarge: (name) => `查看大图：${name}`,
    closeImage: '关闭图片',
    attach: (limit) => `发送文件，最大 ${limit}`,
    drop: (limit) => `松开即可发送，单个文件最大 ${limit}`,
    tooLarge: (limit) => `发送失败：文件超过 ${limit}`,
    wrongType: '发送失败：不支持此类文件',
    tooMany: '发送失败：上传的文件过多，请稍后重试',
  },
)

export const formWords = both(
  {
    title: 'We are away at the moment',
    text: 'Leave a message and we will answer by email.',
    name: 'Name (optional)',
    email: 'Email',
    message: 'Message',
    send: 'Send message',
    noEmail: 'Enter an email address, such as name@example.com.',
    noMessage: 'Write your message here.',
    failed: 'That did not work. Nothing that you wrote is lost: please try again.',
    refused: 'This message was not accepted. Please check what you wrote.',
    done: 'Thank you!',
    doneText: (email: string) => `We have your message and will write to ${email}.`,
    again: 'Write another message',
  },
  {
    title: '客服暂时不在线',
    text: '请给我们留言，我们会通过邮件回复您。',
    name: '称呼（选填）',
    email: '邮箱',
    message: '留言内容',
    send: '提交留言',
    noEmail: '请输入正确的邮箱，例如 name@example.com',
    noMessage: '请填写留言内容',
    failed: '提交失败，您填写的内容仍然保留，请重试。',
    refused: '留言未被接受，请检查填写的内容。',
    done: '感谢您的留言！',
    doneText: (email) => `我们已收到，会尽快回复到 ${email}。`,
    again: '再写一条留言',
  },
)
