import { definePlugin, z } from 'switchboard'

export default definePlugin({ name: 'old', summary: 'Beside a CommonJS package.', config: z.strictObject({}), setup: () => ({}) })
