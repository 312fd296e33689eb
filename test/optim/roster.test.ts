import test from 'ava'
import * as fc from 'fast-check'
import { Roster } from '../../src/optim/roster.ts'

test('a roster has on it who a set has in it, whoever comes and goes, and however often who is gone goes again', t => {
  fc.assert(fc.property(fc.array(fc.record({ who: fc.nat({ max: 9 }), comes: fc.boolean() }), { maxLength: 60 }), moves => {
    const people = Array.from({ length: 10 }, () => ({ place: 0 }))
    const roster = new Roster()
    const naive = new Set<object>()
    for (const { who, comes } of moves) {
      const person = people[who]
      if (!comes) {
        roster.delete(person)
        naive.delete(person)
      } else if (!naive.has(person)) {
        roster.add(person)
        naive.add(person)
      }
    }
    const members = roster.members()
    return roster.size === naive.size && members.length === naive.size && members.every(member => naive.has(member))
  }), { numRuns: 10_000 })
  t.pass()
})
