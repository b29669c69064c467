import { useEffect, useState } from 'preact/hooks'
import type { AuditLine } from '../../../api/shapes.ts'
import { titleOf } from '../../desk.ts'
import { call } from '../../server.ts'
import { fullTime } from '../../times.ts'
import { toastRefusal } from '../../toasts.ts'
import { inLanguage, whoIs } from '../../words/words.ts'
import { Frame } from '../frame.tsx'
import { words } from './words.ts'

/** Who did what, the latest first. */
export default function Audit() {
  const said = inLanguage(words)
  const [lines, setLines] = useState<readonly AuditLine[]>([])
  const [next, setNext] = useState<string | undefined>()
  const [state, setState] = useState<'loading' | 'ready' | 'failed'>('loading')

  async function load(cursor?: string): Promise<void> {
    try {
      const page = await call('GET /audit', { query: { cursor } })
      setLines(cursor === undefined ? page.lines : [...lines, ...page.lines])
      setNext(page.next)
      setState('ready')
    } catch (error) {
      if (cursor === undefined) setState('failed')
      else toastRefusal(error)
    }
  }
  useEffect(() => void load(), [])

  return (
    <Frame title={said.title}>
      <p class="hint">{said.appendOnly}</p>
      {state === 'ready' ? (
        <div class="table-scroll">
          <table class="table">
            <thead>
              <tr>
                <th scope="col">{said.when}</th>
                <th scope="col">{said.who}</th>
                <th scope="col">{said.what}</th>
              </tr>
            </thead>
            <tbody>
              {lines.map(({ id, atMs, by, action }) => (
                <tr key={id}>
                  <td>
                    <time>{fullTime(atMs)}</time>
                  </td>
                  <td>{whoIs(by, titleOf)}</td>
                  <td>{action}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      ) : (
        <div class="page-empty" role="status">
          <p>{state === 'loading' ? said.loading : said.failed}</p>
          {state === 'failed' && (
            <button type="button" class="button" onClick={() => void load()}>
              {said.again}
            </button>
          )}
        </div>
      )}
      {next !== undefined && (
        <div class="table-more">
          <button type="button" class="button" onClick={() => void load(next)}>
            {said.more}
          </button>
        </div>
      )}
    </Frame>
  )
}
