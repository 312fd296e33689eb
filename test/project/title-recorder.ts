/** Stands in for ava where only the titles of a file's tests are wanted: takes them down and runs nothing. */
export const titles: string[] = []

/** An implementation, or a macro, which can make the title. */
type Body = { readonly title?: (given: string, ...args: unknown[]) => string }

function record (title: string, body?: Body, ...args: unknown[]): void {
  titles.push(body?.title === undefined ? title : body.title(title, ...args))
}

function ignore (): void {}

export default Object.assign(record, {
  serial: record,
  skip: record,
  before: ignore,
  beforeEach: ignore,
  after: Object.assign(ignore, { always: ignore }),
  afterEach: Object.assign(ignore, { always: ignore }),
  macro: <Macro> (macro: Macro): Macro => macro
})
