import { registerHooks } from 'node:module'
import { titles } from './title-recorder.ts'

// Prints the titles of the tests in each of the files whose URLs are its arguments, by evaluating the files.
const recorder = new URL('title-recorder.ts', import.meta.url).href
registerHooks({
  resolve: (specifier, context, next) => specifier === 'ava' ? { url: recorder, shortCircuit: true } : next(specifier, context)
})
const found: string[][] = []
for (const file of process.argv.slice(2)) {
  await import(file)
  found.push(titles.splice(0))
}
console.log(JSON.stringify(found))
