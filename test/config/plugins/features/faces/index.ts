import { definePlugin, localized, refers, z } from '#core'

export default definePlugin({
  name: 'faces',
  summary: 'Names for people, per channel.',
  config: z.strictObject({
    identities: z.record(z.string(), z.strictObject({ name: localized() })),
    assign: z.record(refers('person'), z.union([z.string(), z.record(refers('channel'), z.string())])).default({}),
  }),
  check: ({ identities, assign }, channels) => [
    ...(Object.keys(assign).length > 0
      ? []
      : [{ path: ['identities'], message: 'nobody is seen under them.', instead: 'Write assign: too.', isNote: true }]),
    ...Object.entries(channels).flatMap(([channel, { showsIdentity }]) => {
      const most = showsIdentity === 'none' ? undefined : showsIdentity.maxGraphemes
      return Object.entries(identities).flatMap(([id, { name }]) =>
        most !== undefined && typeof name === 'string' && [...name].length > most
          ? [{ path: ['identities', id, 'name'], message: `${channel} shows at most ${most} characters of a name.` }]
          : [],
      )
    }),
  ],
  setup: () => ({}),
})
