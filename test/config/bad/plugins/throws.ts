/** A plugin that does something when it is imported, and fails. */
throw new Error('the licence key is not there')
