/** Sets properties of objects that are everybody's: some are accessors, or belong to a prototype. */
export function replace (target: object, properties: Readonly<Record<string, unknown>>): void {
  for (const [name, value] of Object.entries(properties)) {
    Object.defineProperty(target, name, { value, configurable: true, enumerable: true, writable: true })
  }
}

/** `util.promisify` of the function is `promised`, as with several of Node's. */
export function withPromises<F extends object> (callback: F, promised: unknown): F {
  return Object.assign(callback, { [Symbol.for('nodejs.util.promisify.custom')]: promised })
}
