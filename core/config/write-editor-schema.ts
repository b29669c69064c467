/** `npm run schema`: writes the JSON Schemas for editors beside the YAML. */
import { writeFileSync } from 'node:fs'
import { scenariosSchema } from '../rehearsal/editor-schema.ts'
import { editorSchema } from './editor-schema.ts'

writeFileSync(new URL('../../config/switchboard.schema.json', import.meta.url), await editorSchema())
writeFileSync(new URL('../../config/scenarios.schema.json', import.meta.url), scenariosSchema())
