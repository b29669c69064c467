/** Looks like a plugin, and was not defined as one. */
export default { name: 'plain', summary: 'No define.', setup: () => ({}) }
