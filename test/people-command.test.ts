import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { config, folder, started, switchboard, useFolder, yaml } from './command.ts'

useFolder()

const withDesk = () => `${yaml()}desks:
  support:
    use: desk
    people: { amy: { name: Amy, role: administrator }, bo: { name: Bo } }
    teams: { presale: { members: [bo] } }
`
const PASSWORD = 'correct horse battery'

const secretIn = (out: string) => /#link=([\w-]+)/.exec(out)?.[1] ?? 'none'

async function use(url: string, link: string): Promise<{ readonly status: number; readonly text: string }> {
  const response = await fetch(`${url}/support/api/links/use`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ link, password: PASSWORD }),
  })
  return { status: response.status, text: await response.text() }
}

test('people invite makes a link that is good at once while it runs, and once it runs if it was made before', async () => {
  const file = await config(withDesk())
  const early = await switchboard('people', 'invite', 'bo', file).ended
  expect(early).toMatchObject({ status: 0, err: '' })
  expect(early.out).toMatch(
    /^http:\/\/localhost\/support\/#link=[\w-]{43}\nGood once, until .*, for bo at support\.\n$/,
  )

  const { url } = await started(file)
  const late = await switchboard('people', 'invite', 'amy', file, '--json').ended
  const { link, ...rest }: { link: string } = JSON.parse(late.out)
  expect(rest).toMatchObject({ desk: 'support', person: 'amy' })
  expect(await use(url, secretIn(early.out))).toMatchObject({ status: 200, text: expect.stringContaining('"bo"') })
  expect(await use(url, secretIn(link))).toMatchObject({ status: 200, text: expect.stringContaining('"amy"') })
  expect((await use(url, secretIn(link))).status).toBe(410)
  const kept = await readFile(join(folder, 'data', 'documents', 'support', 'links.json'), 'utf8')
  expect(kept).not.toContain(secretIn(link))
})

test('people invite says who is meant when nobody has the name', async () => {
  const file = await config(withDesk())
  const { status, err } = await switchboard('people', 'invite', 'amu', file).ended
  expect(status).toBe(1)
  expect(err).toBe('No desk of this configuration has a person "amu". Is it "amy"?\n')
  expect((await switchboard('people', 'invite', 'amy', await config(yaml(), 'bare.yaml')).ended).err).toContain(
    'Known here: nobody.',
  )
})
