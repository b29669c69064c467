import type { PageProperties } from '../pages.ts'
import { CustomerPage } from './customer.tsx'
import { CustomersList } from './list.tsx'
import './customers.css'

/** The list of customers, or one of them. */
export default function Customers({ asked }: PageProperties) {
  const { customer } = asked
  return customer === undefined ? (
    <CustomersList asked={asked} />
  ) : (
    <CustomerPage key={customer} id={customer} asked={asked} />
  )
}
