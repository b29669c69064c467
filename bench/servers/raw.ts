/** The baseline: each keyword is looked for, one after the other. */
import { serve } from './plain.ts'

serve((keywords) => (text) => keywords.some((keyword) => text.includes(keyword)))
