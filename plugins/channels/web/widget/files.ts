/** Whatever is no plain text: how it is seen, and sending files by picking, pasting or dropping. */
import type { WidgetSettings } from '../protocol.ts'
import type { Browser } from './browser.ts'
import type { Composer } from './composer.ts'
import type { Context } from './context.ts'
import { button, make, name, say, set } from './dom.ts'
import { readText } from './frames.ts'
import { ATTACH, FILE, icon } from './icons.ts'
import { fileWords } from './more-words.ts'
import { answerOf, type Requests, refusal } from './requests.ts'
import { sizeText } from './sizes.ts'

export { makeChoices, settleChoices } from './choices.ts'
export { default as styles } from './files.css?inline'
export { inOrder } from './order.ts'
export { partElement } from './parts.ts'

type Uploads = WidgetSettings['uploads']

/** The code of what is wrong with a file, told before it is sent. */
export function problemOf({ type, size }: File, uploads: Uploads): string | undefined {
  // A file whose type the browser does not know is looked at by the server.
  const isAllowed = !type || uploads?.types.includes(type) || uploads?.types.includes(type.replace(/\/.*/, '/*'))
  if (!uploads || !isAllowed) return 'FILE_TYPE'
  return size > uploads.maxBytes ? 'FILE_TOO_LARGE' : undefined
}

const limitOf = ({ settings }: Context) => sizeText(settings.uploads?.maxBytes ?? 0)

/** Gives the composer its button, and takes what is pasted into it or dropped on the panel. Twice is the same as once. */
export function addFiles(context: Context, panel: HTMLElement, { element, field, text }: Composer): void {
  if (element.querySelector('input')) return
  const { chat, settings } = context
  const picker = make('input')
  picker.type = 'file'
  picker.multiple = true
  picker.hidden = true
  picker.accept = settings.uploads?.types.join() ?? ''
  const attach = button('tool', () => picker.click(), icon(ATTACH))
  const dropHint = make('p', 'drop')
  field.prepend(attach)
  element.append(picker)
  panel.append(dropHint)

  function send(files: FileList | null | undefined): void {
    for (const file of files ?? []) chat.sendFile(file, problemOf(file, settings.uploads))
  }
  picker.onchange = () => {
    send(picker.files)
    picker.value = ''
  }
  text.onpaste = ({ clipboardData }) => {
    // Text copied from office programs comes with a picture of itself.
    if (!clipboardData?.types.includes('text/plain')) send(clipboardData?.files)
  }

  let depth = 0
  function showDropHint(change: number): void {
    depth = Math.max(0, depth + change)
    dropHint.hidden = depth === 0
  }
  const bringsFiles = ({ dataTransfer }: DragEvent) => dataTransfer?.types.includes('Files') && !element.hidden
  panel.ondragenter = (event) => bringsFiles(event) && showDropHint(1)
  panel.ondragleave = (event) => bringsFiles(event) && showDropHint(-1)
  panel.ondragover = (event) => bringsFiles(event) && event.preventDefault()
  panel.ondrop = (event) => {
    if (!bringsFiles(event)) return
    event.preventDefault()
    showDropHint(-depth)
    send(event.dataTransfer?.files)
  }

  function speak(): void {
    const words = fileWords[context.language]
    name(attach, words.attach(limitOf(context)))
    say(dropHint, words.drop(limitOf(context)))
  }
  context.speakers.push(speak)
  speak()
  showDropHint(0)
}

/** Why a file was not sent, where that is known. */
export function reasonOf(code: string | undefined, context: Context): string | undefined {
  const words = fileWords[context.language]
  return code === 'FILE_TOO_LARGE'
    ? words.tooLarge(limitOf(context))
    : code === 'FILE_TYPE'
      ? words.wrongType
      : code === 'TOO_MANY_FILES'
        ? words.tooMany
        : undefined
}

/** The visitor's own file before it is sent. A picture is drawn, because a strict page refuses `blob:` addresses. */
export function preview(file: File): HTMLElement {
  const size = make('span', 'hint', sizeText(file.size))
  const label = make('span', 'label', make('span', 'title', file.name), size)
  const element = make('div', 'bubble file', icon(FILE), label)
  if (file.type.startsWith('image/')) drawInto(element, file)
  return element
}

async function drawInto(element: HTMLElement, file: File): Promise<void> {
  const bitmap = await createImageBitmap(file).catch(() => undefined)
  if (!bitmap) return
  const canvas = make('canvas')
  const scale = Math.min(1, 480 / Math.max(bitmap.width, bitmap.height))
  canvas.width = Math.max(1, bitmap.width * scale)
  canvas.height = Math.max(1, bitmap.height * scale)
  canvas.getContext('2d')?.drawImage(bitmap, 0, 0, canvas.width, canvas.height)
  bitmap.close()
  set(canvas, 'role', 'img')
  set(canvas, 'aria-label', file.name)
  element.className = 'image'
  element.replaceChildren(canvas)
}

/** Uploads a file, and resolves with what names it. `onProgress` hears which share of it has left. */
export async function upload(
  { file, uploads }: { readonly file: File; readonly uploads: Uploads },
  { browser, base, requests }: { readonly browser: Browser; readonly base: string; readonly requests: Requests },
  outer: AbortSignal,
  onProgress: (share: number) => void,
): Promise<string> {
  const problem = problemOf(file, uploads)
  if (problem) throw refusal(400, problem)
  // Given up while this file was being fetched.
  outer.throwIfAborted()
  const answer = await requests.named((token, signal, alive) => {
    return new Promise((resolve, reject) => {
      const request = new browser.XMLHttpRequest()
      request.upload.addEventListener('progress', ({ loaded, total }) => {
        alive()
        onProgress(total > 0 ? loaded / total : 0)
      })
      request.addEventListener('loadend', () => {
        try {
          resolve(answerOf(request.status, request.responseText, request.getResponseHeader('retry-after')))
        } catch (error) {
          reject(error)
        }
      })
      request.open('POST', `${base}v1/files?name=${encodeURIComponent(file.name)}`)
      request.setRequestHeader('authorization', `Bearer ${token}`)
      request.setRequestHeader('content-type', file.type || 'application/octet-stream')
      for (const either of [signal, outer]) either.addEventListener('abort', () => request.abort())
      if (signal.aborted || outer.aborted) reject(refusal())
      else request.send(file)
    })
  })
  const ref = readText(answer, 'file')
  if (ref === undefined) throw refusal()
  return ref
}
