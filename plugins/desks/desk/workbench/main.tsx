/** The workbench: the page that people work on. */
import { effect } from '@preact/signals'
import { render } from 'preact'
import { App } from './app.tsx'
import { counts } from './desk.ts'
import { language, words } from './words/words.ts'
import './theme.ts'
import './styles.css'

effect(() => {
  document.documentElement.lang = language.value
})
effect(() => {
  const mine = counts.value?.mine ?? 0
  document.title = mine > 0 ? `(${mine}) ${words.value.product}` : words.value.product
})
render(<App />, document.body)
