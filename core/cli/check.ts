/** `switchboard check`: reads and checks everything, starts nothing, and says in words what will happen. */
import { formatProblems, problemsAsJson } from '../config/report.ts'
import { routesInWords } from '../config/routes-in-words.ts'
import { checkFile } from './read-config.ts'

export async function check(file: string, json: boolean): Promise<void> {
  const checked = await checkFile(file)
  if (checked.ok) {
    process.stdout.write(json ? problemsAsJson([], checked.config.notes) : `${routesInWords(checked.config)}\n`)
    return
  }
  process.stdout.write(json ? problemsAsJson(checked.problems) : formatProblems(checked.problems, 'check'))
  process.exitCode = 1
}
