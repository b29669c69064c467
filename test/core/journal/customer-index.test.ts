import { DatabaseSync } from 'node:sqlite'
import { expect, test } from 'vitest'
import { customerIndex, PLACES_PER_MS } from '../../../core/journal/sqlite/operations/customer-index.ts'

test('each customer has a place of their own, however many come at one moment', () => {
  using db = new DatabaseSync(':memory:')
  db.exec('CREATE TABLE customer (id TEXT, n INTEGER UNIQUE, name, fields_json, tags_json, user_id)')
  db.exec('CREATE TABLE chat (account, external_id, customer)')
  db.exec('CREATE TABLE customer_found (names, ids, accounts, tags)')
  const { place } = customerIndex(db)
  const add = db.prepare('INSERT INTO customer (n) VALUES (?)')
  const places = Array.from({ length: 2 * PLACES_PER_MS + 2 }, () => {
    const n = place(7)
    add.run(n)
    return n
  })
  expect(places.toSorted((a, b) => a - b)).toEqual(places)
})
