import { render } from 'preact'
import { App } from './app.tsx'
import { connect } from './live.ts'
import './style.css'

connect()
render(<App />, document.body)
