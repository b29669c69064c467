/** The workbench: the page that people work on. */
import { effect } from '@preact/signals'
import { render } from 'preact'
import { App } from './app.tsx'
import { language } from './words/words.ts'
import './theme.ts'
import './title.ts'
import './styles.css'

effect(() => {
  document.documentElement.lang = language.value
})
render(<App />, document.body)
