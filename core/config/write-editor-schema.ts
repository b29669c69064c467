/** `npm run schema`: writes the JSON Schema for editors beside the YAML. */
import { writeFileSync } from 'node:fs'
import { editorSchema } from './editor-schema.ts'

writeFileSync(new URL('../../config/switchboard.schema.json', import.meta.url), await editorSchema())
