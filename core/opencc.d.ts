/** The tables of opencc-js have no types of their own: `傌 㐷|儸 㑩|…`, pairs with a space between. */
declare module 'opencc-js/dict/*' {
  const pairs: string
  export default pairs
}
