import { useState } from 'preact/hooks'
import type { Row } from '../api/shapes.ts'
import { Avatar } from './avatar.tsx'
import { transfer } from './commands.ts'
import { now, statusTitle } from './desk.ts'
import { Doing } from './dialog.tsx'
import { Icon } from './icon.tsx'
import { me } from './session.ts'
import { whyNot, words } from './words/words.ts'

interface Target {
  readonly key: string
  readonly to: { readonly person: string } | { readonly team: string }
  readonly title: string
  readonly detail: string
  /** Why it cannot be chosen. */
  readonly whyNot?: string | undefined
}

/** To whom a conversation goes on: who may have it can be chosen, and of the others it stands there why not. */
export default function TransferDialog({ row, onClose }: { readonly row: Row; readonly onClose: () => void }) {
  const said = words.value.transfer
  const [search, setSearch] = useState('')
  const [chosen, setChosen] = useState<string>()
  const [note, setNote] = useState('')
  const wanted = search.trim().toLocaleLowerCase()
  const matches = ({ title }: Target) => title.toLocaleLowerCase().includes(wanted)
  const people = peopleFor(row).filter(matches)
  const teams = teamsFor(row).filter(matches)

  const target = [...teams, ...people].find(({ key }) => key === chosen)

  async function run(): Promise<void> {
    const trimmed = note.trim()
    if (target) await transfer(row, { ...target.to, ...(trimmed !== '' && { note: trimmed }) }, target.title)
  }

  return (
    <Doing title={said.title} submit={said.submit} isReady={target !== undefined} run={run} onClose={onClose}>
      <label class="search">
        <span class="unseen">{said.search}</span>
        <Icon name="search" />
        <input
          type="search"
          placeholder={said.search}
          value={search}
          onInput={({ currentTarget }) => setSearch(currentTarget.value)}
        />
      </label>
      <div class="targets">
        <Targets title={said.people} of={people} chosen={chosen} onChoose={setChosen} />
        <Targets title={said.teams} of={teams} chosen={chosen} onChoose={setChosen} />
        {people.length + teams.length === 0 && <p class="hint">{said.nobody}</p>}
      </div>
      <label class="field">
        <span>{said.note}</span>
        <textarea
          rows={2}
          maxLength={10_000}
          value={note}
          onInput={({ currentTarget }) => setNote(currentTarget.value)}
        />
        <small class="hint">{said.noteHint}</small>
      </label>
    </Doing>
  )
}

function Targets(of: {
  readonly title: string
  readonly of: readonly Target[]
  readonly chosen: string | undefined
  readonly onChoose: (key: string) => void
}) {
  if (of.of.length === 0) return null
  return (
    <fieldset>
      <legend>{of.title}</legend>
      {of.of.map(({ key, title, detail, to, whyNot: reason }) => (
        <label key={key} class={`target ${reason === undefined ? '' : 'cannot'}`}>
          <input
            type="radio"
            name="target"
            disabled={reason !== undefined}
            checked={of.chosen === key}
            onChange={() => of.onChoose(key)}
          />
          <Avatar name={'person' in to ? title : undefined} sign="chats" />
          <span class="grow">{title}</span>
          <small>{reason === undefined ? detail : `${reason} · ${detail}`}</small>
        </label>
      ))}
    </fieldset>
  )
}

/** Who can be chosen comes first, and of those whoever has the fewest. */
function peopleFor(row: Row): readonly Target[] {
  const said = words.value.transfer
  return now.value.people
    .filter(({ name }) => name !== row.person && !(row.person === undefined && name === me.value?.name))
    .map((person) => ({
      load: person.load,
      key: `person ${person.name}`,
      to: { person: person.name },
      title: person.title,
      detail: said.load(person.load, person.capacity),
      whyNot: whyNot(person, statusTitle),
    }))
    .toSorted((a, b) => Number(a.whyNot !== undefined) - Number(b.whyNot !== undefined) || a.load - b.load)
}

function teamsFor(row: Row): readonly Target[] {
  const said = words.value.transfer
  return now.value.teams
    .filter(({ name }) => row.state !== 'queued' || name !== row.team)
    .map(({ name, isOpen, waiting }) => ({
      key: `team ${name}`,
      to: { team: name },
      title: name,
      detail: said.waiting(waiting),
      whyNot: isOpen ? undefined : said.closed,
    }))
}
