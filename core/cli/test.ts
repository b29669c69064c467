/** `switchboard test`: plays the scenarios that stand beside the configuration, with nothing outside. */
import { formatProblems, type Problem, problemsAsJson } from '../config/report.ts'
import { checkWithMadeUpVariables } from '../rehearsal/made-up.ts'
import { refuseOutside } from '../rehearsal/nothing-outside.ts'
import { type Played, play } from '../rehearsal/play.ts'
import { readScenarios, scenariosBeside } from '../rehearsal/read-scenarios.ts'
import { playedAsJson, tellEnd, tellPlayed } from '../rehearsal/tell.ts'
import { makeRedactor } from '../services/log.ts'
import { tidyUpWhenInterrupted } from './interrupted.ts'
import { checkFile } from './read-config.ts'
import { storyInShort } from './story.ts'

export async function test(file: string, json: boolean): Promise<void> {
  tidyUpWhenInterrupted()
  using _ = refuseOutside()
  const checked = await checkWithMadeUpVariables(file, (change) => checkFile(file, {}, change))
  if (!checked.ok) return refuse(checked.problems, json)
  const read = await readScenarios(scenariosBeside(file), checked.config)
  if (!read.ok) return refuse(read.problems, json)
  const { scenarios } = read
  // What customers and bots say in a scenario may be a secret of the configuration.
  const redact = makeRedactor(checked.config.secrets)
  const played: Played[] = []
  for (const scenario of scenarios.scenarios) {
    const one = await play(scenario, checked.config, storyInShort)
    played.push(one)
    if (!json) process.stdout.write(redact(tellPlayed(one, scenarios.file)))
  }
  process.stdout.write(json ? playedAsJson(played, scenarios.file, redact) : redact(`\n${tellEnd(played)}`))
  if (played.some(({ failure }) => failure)) process.exitCode = 1
}

function refuse(problems: readonly Problem[], json: boolean): void {
  process.stdout.write(json ? problemsAsJson(problems) : formatProblems(problems))
  process.exitCode = 1
}
