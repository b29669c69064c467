/** What only this platform wants of an identity. */
import { file, refers, z } from '#core'
import { PREFIX } from './names.ts'

export const identities = z
  .record(
    refers('identity'),
    z.strictObject({
      kfAccount: z
        .string()
        .regex(PREFIX, {
          error: 'Write at most ten letters, digits and _, without the @: what stands behind it is the WeChat ID.',
        })
        .optional()
        .describe(
          'What stands before the @ of its customer-service account. Left out: made from its name in the YAML.',
        ),
      nickname: z.string().min(1).optional().describe('The name that customers see here. Left out: the identity’s.'),
      avatar: file()
        .optional()
        .describe('A JPEG picture of at most 5 MB, best with 640 × 640 pixels. Left out: the identity’s.'),
    }),
  )
  .default({})
export type OwnIdentities = z.output<typeof identities>

/** Of those that say it, what stands before the @ of their customer-service accounts, in small letters. */
export function prefixesOf(identities: OwnIdentities): { readonly [identity: string]: string } {
  return Object.fromEntries(
    Object.entries(identities).flatMap(([id, { kfAccount }]) => (kfAccount ? [[id, kfAccount.toLowerCase()]] : [])),
  )
}
