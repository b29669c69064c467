import { useEffect, useState } from 'preact/hooks'
import type { Row, Step, Why } from '../api/shapes.ts'
import { titleOf } from './desk.ts'
import { Dialog } from './dialog.tsx'
import { call } from './server.ts'
import { fullTime } from './times.ts'
import { language, reasonOf, whoIs, wordOf, words } from './words/words.ts'

type Change = Why['changes'][number]

/** Why a conversation is where it is, as a list that is read from above. */
export default function WhyDialog({ row, onClose }: { readonly row: Row; readonly onClose: () => void }) {
  const said = words.value.why
  const [why, setWhy] = useState<Why | 'failed'>()
  useEffect(() => {
    call('GET /conversations/:conversation/why', { params: { conversation: row.id } }).then(setWhy, () =>
      setWhy('failed'),
    )
  }, [row.id, row.lease, row.state])
  return (
    <Dialog title={said.title} class="side" onClose={onClose}>
      {why === undefined ? (
        <p role="status">{words.value.lists.loading}</p>
      ) : why === 'failed' ? (
        <p role="alert">{said.failed}</p>
      ) : why.changes.length === 0 ? (
        <p>{said.empty}</p>
      ) : (
        <ol class="why">
          {why.changes.map((change) => (
            <ChangeView key={`${change.atMs} ${change.lease} ${change.type}`} change={change} />
          ))}
        </ol>
      )}
    </Dialog>
  )
}

function ChangeView({ change }: { readonly change: Change }) {
  const said = words.value.why
  const { atMs, by, because, steps } = change
  return (
    <li class={change.type}>
      <p>
        <strong>{whatOf(change)}</strong>
        <time>{fullTime(atMs)}</time>
      </p>
      <p class="why-because">
        {said.by(whoIs(by, titleOf))} · {said.because(reasonOf(because))}
      </p>
      {steps.length > 0 && (
        <details>
          <summary>{said.steps(steps.length)}</summary>
          <ol class="steps">
            {steps.map((step, index) => (
              <StepView key={index} step={step} />
            ))}
          </ol>
        </details>
      )}
    </li>
  )
}

function StepView({ step }: { readonly step: Step }) {
  const said = words.value.why
  const line = step.line?.split(':')[1]
  const more = [
    step.because === undefined ? undefined : reasonOf(step.because),
    line === undefined ? undefined : said.line(line),
    step.ms === undefined
      ? undefined
      : said.ms(new Intl.NumberFormat(language.value).format(Math.round(step.ms * 10) / 10)),
  ].filter((one) => one !== undefined)
  return (
    <li>
      <span class="step-stage">{wordOf(said.stages, step.stage) ?? step.stage}</span> <code>{step.by}</code>{' '}
      {wordOf(said.outcomes, step.did) ?? reasonOf(step.did)}
      {more.length > 0 && <small>{more.join(' · ')}</small>}
    </li>
  )
}

function whatOf({ type, bot, team, person }: Change): string {
  const said = words.value.why
  switch (type) {
    case 'opened':
      return bot === undefined ? said.openedNobody : said.opened(bot)
    case 'queued':
      return team === undefined ? said.queuedNoTeam : said.queued(team)
    case 'assigned':
      return said.assigned(titleOf(person ?? ''))
    case 'returned':
      return bot === undefined ? said.returnedNoBot : said.returned(bot)
    case 'closed':
      return said.closed
  }
}
