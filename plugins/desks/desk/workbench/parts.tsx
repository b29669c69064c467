import { useState } from 'preact/hooks'
import type { Part } from '../api/shapes.ts'
import { Icon } from './icon.tsx'
import { sizeText } from './times.ts'
import { words } from './words/words.ts'

/** A part of a message. Whatever customers and bots write ends as a text node, or as an address that `safe` lets through. */
export function PartView({ part }: { readonly part: Part }) {
  const { entry, row } = words.value
  switch (part.type) {
    case 'text':
      return (
        <p class="bubble text">
          <Linked text={part.text} />
        </p>
      )
    case 'image':
      return <Picture url={part.url} name={part.name ?? row.parts.image} />
    case 'audio':
      return (
        <div class="bubble">
          {/* biome-ignore lint/a11y/useMediaCaption: customers send none; the transcript stands below, if there is one */}
          <audio controls preload="none" src={safe(part.url)} aria-label={part.name ?? row.parts.audio} />
          {part.transcript !== undefined && (
            <p class="text">
              <em>{entry.transcript}:</em> {part.transcript}
            </p>
          )}
        </div>
      )
    case 'video':
      return (
        <div class="bubble">
          {/* biome-ignore lint/a11y/useMediaCaption: customers send none */}
          <video controls preload="metadata" src={safe(part.url)} aria-label={part.name ?? row.parts.video} />
        </div>
      )
    case 'file':
      return (
        <Away class="bubble file" url={part.url}>
          <Icon name="file" />
          <span class="grow">{part.name ?? row.parts.file}</span>
          {part.sizeBytes !== undefined && <small>{sizeText(part.sizeBytes)}</small>}
        </Away>
      )
    case 'location':
      return (
        <p class="bubble text">
          {part.label ?? entry.map}
          <br />
          <small>
            {part.latitude}, {part.longitude}
          </small>
        </p>
      )
    case 'link':
      return (
        <Away class="bubble link" url={part.url}>
          <strong>{part.title}</strong>
          {part.description !== undefined && <span>{part.description}</span>}
        </Away>
      )
    case 'choices':
      return (
        <div class="bubble">
          <p class="text">{part.prompt}</p>
          <ul class="choices">
            {part.choices.map(({ id, label }) => (
              <li key={id}>{label}</li>
            ))}
          </ul>
        </div>
      )
    case 'native':
      return <p class="bubble text">{part.text}</p>
  }
}

function Picture({ url, name }: { readonly url: string; readonly name: string }) {
  const [isBroken, setBroken] = useState(false)
  if (isBroken)
    return (
      <p class="bubble file">
        <Icon name="file" /> {words.value.entry.notHere} ({name})
      </p>
    )
  return (
    <Away class="bubble picture" url={url} label={words.value.entry.openPicture(name)}>
      <img src={safe(url)} alt={name} loading="lazy" onError={() => setBroken(true)} />
    </Away>
  )
}

/** A link that tells the other side nothing of this page, and gives it no hold on it. */
function Away(of: {
  readonly class: string
  readonly url: string
  readonly label?: string
  readonly children: preact.ComponentChildren
}) {
  const href = safe(of.url)
  if (href === undefined) return <span class={of.class}>{of.children}</span>
  return (
    <a class={of.class} href={href} aria-label={of.label} target="_blank" rel="noopener noreferrer nofollow">
      {of.children}
    </a>
  )
}

/** The address, if it leads to a page or is one of the desk's own. */
function safe(url: string): string | undefined {
  if (!URL.canParse(url, location.href)) return undefined
  const { protocol, href } = new URL(url, location.href)
  return protocol === 'https:' || protocol === 'http:' ? href : undefined
}

const ADDRESS = /https?:\/\/[^\s<>"'，。；！？、（）《》]+[^\s<>"'，。；！？、（）《》.,;:!?)\]]/g

/** A text with its links. */
function Linked({ text }: { readonly text: string }) {
  const pieces: preact.ComponentChild[] = []
  let from = 0
  for (const { 0: address, index } of text.matchAll(ADDRESS)) {
    pieces.push(
      text.slice(from, index),
      <Away class="inline-link" url={address}>
        {address}
      </Away>,
    )
    from = index + address.length
  }
  return (
    <>
      {pieces}
      {text.slice(from)}
    </>
  )
}
