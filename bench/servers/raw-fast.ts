/** The same with a map from the first two characters of the keywords to those that begin so. */
import { keywordFinder } from '../plain-search.ts'
import { serve } from './plain.ts'

serve(keywordFinder)
