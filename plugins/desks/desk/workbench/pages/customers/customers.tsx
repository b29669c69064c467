import { useEffect } from 'preact/hooks'
import type { PageProperties } from '../pages.ts'
import { CustomerPage } from './customer.tsx'
import { forgetFound } from './found.ts'
import { CustomersList } from './list.tsx'
import './customers.css'

/** The list of customers, or one of them. */
export default function Customers({ asked }: PageProperties) {
  const { customer } = asked
  // Elsewhere customers are changed, too: only the way back from one of them leads to the list as it was.
  useEffect(() => forgetFound, [])
  return customer === undefined ? (
    <CustomersList asked={asked} />
  ) : (
    <CustomerPage key={customer} id={customer} asked={asked} />
  )
}
