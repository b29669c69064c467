/** `switchboard simulate PLATFORM`: people play the customers of a platform against their own configuration. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import type { CheckedConfig } from '../config/checked.ts'
import { nearest } from '../config/nearest.ts'
import { showPath } from '../config/read.ts'
import { formatProblems, visible } from '../config/report.ts'
import { messageOf } from '../errors.ts'
import { inLanguage } from '../message.ts'
import { checkWithMadeUpVariables } from '../rehearsal/made-up.ts'
import { makeLog } from '../services/log.ts'
import { type RunningSimulation, simulate } from '../simulation/simulate.ts'
import { checkFile } from './read-config.ts'
import { readStory, storyAsText } from './story.ts'

/** `keep`: the folder of the journal; left out: one that is removed when it ends. */
export async function simulatePlatform(file: string, platform: string, keep: string | undefined): Promise<void> {
  const checked = await checkWithMadeUpVariables(file, (change) => checkFile(file, {}, change))
  if (!checked.ok) return refuse(formatProblems(checked.problems))
  const { config } = checked
  const cannot = whyNot(config, platform, keep)
  if (cannot !== undefined) return refuse(`${cannot}\n`)
  const folder = keep === undefined ? mkdtempSync(join(tmpdir(), 'switchboard-simulation-')) : resolve(keep)
  if (keep === undefined) process.on('exit', () => rmSync(folder, { recursive: true, force: true }))
  const log = makeLog({ level: 'warn', stream: process.stderr })
  const ended = new Promise<NodeJS.Signals>((end) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, end)
  })
  try {
    await using running = await simulate(config, { platform, folder, log, tell })
    process.stdout.write(tellRunning(running, config, keep === undefined ? undefined : folder))
    await ended
  } catch (error) {
    refuse(`It could not be simulated: ${log.redact(messageOf(error))}\n`)
  }
}

async function tell(journal: Parameters<typeof readStory>[0], customer: string): Promise<string | undefined> {
  const story = await readStory(journal, customer)
  return story && storyAsText(story)
}

/** Why it cannot be simulated; `undefined`: it can. */
export function whyNot(
  { channels, file, storage }: CheckedConfig,
  platform: string,
  keep?: string,
): string | undefined {
  if (keep !== undefined && resolve(keep) === storage.folder)
    return `${keep} is where the real journal is (storage.folder). Keep that of the simulation in another folder.`
  const here = channels.filter(({ plugin }) => plugin.name === platform)
  if (here.some(({ plugin }) => plugin.isSimulated)) return undefined
  const shown = showPath(file)
  const able = [...new Set(channels.filter(({ plugin }) => plugin.isSimulated).map(({ plugin }) => plugin.name))]
  const instead =
    able.length > 0 ? `These can be simulated: ${able.join(', ')}.` : 'None of its channels can be simulated.'
  if (here.length > 0) return `${platform} has no simulated platform. ${instead}`
  const meant = nearest(platform, able)
  const has = channels.map(({ name, plugin }) => `${name} (${plugin.name})`).join(', ')
  return `No channel of ${shown} uses "${platform}": it has ${has || 'none'}. ${meant ? `Is it "${meant}"?` : instead}`
}

const WORDS = {
  play: { 'zh-CN': '扮演客户', en: 'Play the customers of' },
  desk: { 'zh-CN': '扮演客服', en: 'Answer as' },
  at: { 'zh-CN': '位于', en: 'at' },
  kept: { 'zh-CN': '记录保存在', en: 'The journal is kept in' },
  gone: {
    'zh-CN': '结束后记录将被删除（--keep 文件夹 可保留）。',
    en: 'Its journal is gone when it ends (--keep FOLDER keeps it).',
  },
  end: { 'zh-CN': '按 Ctrl-C 结束。', en: 'Ctrl-C ends it.' },
  standIns: { 'zh-CN': '以下渠道不发送任何内容：', en: 'These channels send nothing: ' },
  real: {
    'zh-CN': '不会向真实平台发送任何内容；机器人和功能按配置工作。',
    en: 'Nothing goes to a real platform; bots and features work as they are configured.',
  },
} as const

/** What whoever sits at the terminal is told, in the first language of the YAML. */
export function tellRunning(
  {
    pages,
    invitations,
    standIns,
    warnings,
  }: Pick<RunningSimulation, 'pages' | 'invitations' | 'standIns' | 'warnings'>,
  { languages }: Pick<CheckedConfig, 'languages'>,
  kept: string | undefined,
): string {
  const say = (word: keyof typeof WORDS) => inLanguage(WORDS[word], undefined, languages) ?? ''
  const lines = [
    ...pages.map(({ channel, url }) => `${say('play')} ${channel}: ${url}`),
    ...invitations.map(({ desk, person, link }) => `${say('desk')} ${person} (${desk}): ${link}`),
    '',
    say('real'),
    kept === undefined ? say('gone') : `${say('kept')} ${kept}`,
    ...(standIns.length > 0 ? [`${say('standIns')}${standIns.join(', ')}`] : []),
    ...warnings,
    say('end'),
  ]
  return `${lines.map(visible).join('\n')}\n`
}

function refuse(because: string): void {
  process.stderr.write(because)
  process.exitCode = 1
}
