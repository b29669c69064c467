/** What most visitors are never told, in both languages. */
import type { Language } from './words.ts'

const en = {
  image: 'Image',
  audio: 'Audio',
  video: 'Video',
  file: 'File',
  enlarge: (name: string) => `Enlarge: ${name}`,
  closeImage: 'Close image',
  form: {
    title: 'We are away at the moment',
    text: 'Leave a message and we will answer by email.',
    name: 'Name (optional)',
    email: 'Email',
    message: 'Message',
    send: 'Send message',
    noEmail: 'Enter an email address, such as name@example.com.',
    noMessage: 'Write your message here.',
    failed: 'That did not work. Nothing that you wrote is lost: please try again.',
    done: 'Thank you!',
    doneText: (email: string) => `We have your message and will write to ${email}.`,
    again: 'Write another message',
  },
}

const zh: typeof en = {
  image: '图片',
  audio: '音频',
  video: '视频',
  file: '文件',
  enlarge: (name) => `查看大图：${name}`,
  closeImage: '关闭图片',
  form: {
    title: '客服暂时不在线',
    text: '请给我们留言，我们会通过邮件回复您。',
    name: '称呼（选填）',
    email: '邮箱',
    message: '留言内容',
    send: '提交留言',
    noEmail: '请输入正确的邮箱，例如 name@example.com',
    noMessage: '请填写留言内容',
    failed: '提交失败，您填写的内容仍然保留，请重试。',
    done: '感谢您的留言！',
    doneText: (email) => `我们已收到，会尽快回复到 ${email}。`,
    again: '再写一条留言',
  },
}

export const moreWords: Record<Language, typeof en> = { en, 'zh-CN': zh }
