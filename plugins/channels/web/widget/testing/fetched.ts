import * as events from '../events.ts'
import type { Fetch } from '../fetched.ts'
import * as files from '../files.ts'
import * as form from '../form.ts'
import * as more from '../more.ts'

/** What a page fetches, without a page. */
export const fetchFile: Fetch = async (name) => ({ more, files, form, events })[name]
