// Writes the tables of options, events and metrics in docs/modules.md: `npm run docs:modules`.
import { marksOf, moduleTables } from './module-tables.ts'
import { writeMarkedSection } from './marked-section.ts'

for (const [name, table] of await moduleTables()) {
  const [begin, end] = marksOf(name)
  await writeMarkedSection(new URL('../docs/modules.md', import.meta.url), begin, end, table)
}
