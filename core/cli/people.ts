/** `switchboard people invite NAME`: a link by which somebody at a desk sets a password, while it runs or not. */
import { join } from 'node:path'
import { nearest } from '../config/nearest.ts'
import { messageOf } from '../errors.ts'
import { systemClock } from '../services/clock.ts'
import { makeDocuments } from '../services/documents.ts'
import { makeLog } from '../services/log.ts'
import { readConfig } from './read-config.ts'

export async function invitePerson(file: string, person: string, json: boolean): Promise<void> {
  const config = await readConfig(file)
  if (!config) return
  const desks = config.desks.filter(({ names }) => names.people.includes(person))
  if (desks.length === 0) {
    const known = config.desks.flatMap(({ names }) => names.people)
    const meant = nearest(person, known)
    const instead = meant ? `Is it "${meant}"?` : `Known here: ${known.join(', ') || 'nobody'}.`
    return refuse(`No desk of this configuration has a person "${person}". ${instead}`)
  }
  const documents = makeDocuments({
    folder: join(config.storage.folder, 'documents'),
    log: makeLog({ level: 'silent' }),
  })
  for (const { name, plugin } of desks) {
    try {
      const invited = await plugin.invite(person, {
        url: `${config.server.publicUrl}/${name}`,
        clock: systemClock,
        documents: { open: (document, schema) => documents.open(name, document, schema) },
      })
      if (!invited) {
        refuse(`Nobody signs in at ${name} (${plugin.name}).`)
        continue
      }
      const { link, untilMs } = invited
      const until = new Date(untilMs).toISOString()
      process.stdout.write(
        json
          ? `${JSON.stringify({ desk: name, person, link, until })}\n`
          : `${link}\nGood once, until ${until}, for ${person} at ${name}.\n`,
      )
    } catch (error) {
      refuse(`${person} could not be invited to ${name}: ${messageOf(error)}`)
    }
  }
}

function refuse(because: string): void {
  process.stderr.write(`${because}\n`)
  process.exitCode = 1
}
