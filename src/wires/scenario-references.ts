import { show, TwinwireError } from '../core/errors.ts'
import { nearestName } from '../core/nearest.ts'
import { topologyNames } from './scenario-topology.ts'
import type { Topology } from './scenario-topology.ts'
import type { Scenario } from './scenario.ts'

/**
 * Checks that names are unique, that each place and end there is exists, and that a scenario has paths or a topology.
 *
 * @throws ERR_INVALID_OPTION, ERR_UNKNOWN_HOST
 */
export function checkReferences (scenario: Scenario): void {
  const hosts = hostNames(scenario)
  checkReachability(scenario, hosts)
  checkTopology(scenario)
  const nodes = scenario.topology === undefined ? hosts : nodesOf(scenario, scenario.topology, hosts)
  const pairs = checkPaths(scenario, hosts)
  const { faults, crossTraffic, topology } = scenario
  const checkEnds = (from: string, to: string, path: string): void => {
    checkNames(from, to, path, nodes)
    // Whether a link joins two nodes of a topology is known when it is laid out.
    if (topology === undefined && !pairs.has(pairKey(from, to))) {
      throw new TwinwireError('ERR_INVALID_OPTION', 'no path joins these hosts', { path, expected: 'the ends of a path', found: `${from} and ${to}` })
    }
  }
  faults.forEach((fault, index) => {
    const path = `scenario.faults[${index}]`
    if (fault.kind === 'partition') {
      fault.nodes.forEach((name, position) => checkName(name, `${path}.nodes[${position}]`, nodes))
    } else if (fault.kind === 'freeze') {
      checkName(fault.host, `${path}.host`, hosts)
    } else if (fault.kind === 'reset' && topology !== undefined) {
      checkNames(fault.from, fault.to, path, hosts)
    } else {
      checkEnds(fault.from, fault.to, path)
    }
  })
  crossTraffic.forEach(({ from, to }, index) => checkEnds(from, to, `scenario.crossTraffic[${index}]`))
}

/**
 * The place of each host in a topology, by name.
 *
 * @throws ERR_INVALID_OPTION for a place that there is not, or two hosts at one
 */
export function placesOf ({ hosts }: Scenario, places: readonly string[]): ReadonlyMap<string, string> {
  const free = new Set(places)
  const taken = new Map<string, string>()
  const take = (name: string, place: string): void => {
    free.delete(place)
    taken.set(name, place)
  }
  hosts.forEach(({ name, at }, index) => {
    if (at !== undefined) {
      if (!free.has(at)) {
        throw new TwinwireError('ERR_INVALID_OPTION', places.includes(at) ? 'another host is there' : 'no such place', {
          path: `scenario.hosts[${index}].at`, expected: nearestName(at, [...free]) ?? someOf([...free]), found: show(at)
        })
      }
      take(name, at)
    }
  })
  const others = hosts.filter(({ at }) => at === undefined)
  others.filter(({ name }) => free.has(name)).forEach(({ name }) => take(name, name))
  const next = free.values()
  for (const { name } of others.filter(({ name }) => !taken.has(name))) {
    const { value: place, done } = next.next()
    if (done === true) {
      throw new TwinwireError('ERR_INVALID_OPTION', 'more hosts than places', { path: 'scenario.topology', expected: `at most ${places.length} hosts`, found: String(hosts.length) })
    }
    take(name, place)
  }
  return taken
}

/** The same for both orders of two host names. */
export function pairKey (a: string, b: string): string {
  return a < b ? `${a} ${b}` : `${b} ${a}`
}

function checkReachability (scenario: Scenario, hosts: ReadonlySet<string>): void {
  scenario.hosts.forEach(({ addresses }, index) => addresses.forEach(({ reachableFrom = [] }, position) => {
    reachableFrom.forEach((name, k) => checkName(name, `scenario.hosts[${index}].addresses[${position}].reachableFrom[${k}]`, hosts))
  }))
}

function hostNames ({ hosts }: Scenario): ReadonlySet<string> {
  const names = new Set<string>()
  hosts.forEach(({ name }, index) => {
    if (names.has(name)) {
      throw new TwinwireError('ERR_INVALID_OPTION', 'two hosts have one name', { path: `scenario.hosts[${index}].name`, expected: 'a name of its own', found: show(name) })
    }
    names.add(name)
  })
  return names
}

/** All names that faults and traffic may have: those of hosts and of the topology's other nodes. */
function nodesOf (scenario: Scenario, topology: Topology, hosts: ReadonlySet<string>): ReadonlySet<string> {
  const { places, routers } = topologyNames(topology, hosts.size)
  const taken = placesOf(scenario, places)
  for (const place of [...places, ...routers]) {
    if (hosts.has(place) && taken.get(place) !== place) {
      throw new TwinwireError('ERR_INVALID_OPTION', 'a host has the name of another node of the topology', {
        path: `scenario.hosts[${scenario.hosts.findIndex(({ name }) => name === place)}].name`, expected: 'another name', found: show(place)
      })
    }
  }
  return new Set([...hosts, ...places, ...routers])
}

function checkTopology ({ hosts, paths, topology }: Scenario): void {
  const placed = hosts.findIndex(({ at }) => at !== undefined)
  if (topology === undefined && placed >= 0) {
    throw new TwinwireError('ERR_INVALID_OPTION', 'a place is one of a topology', { path: `scenario.hosts[${placed}].at`, expected: 'a topology', found: show(hosts[placed].at) })
  }
  if (topology !== undefined && paths.length > 0) {
    throw new TwinwireError('ERR_INVALID_OPTION', 'a scenario has paths or a topology', { path: 'scenario.paths', expected: 'none beside a topology', found: String(paths.length) })
  }
}

/** Answers the pairs of hosts that have one. */
function checkPaths ({ paths }: Scenario, nodes: ReadonlySet<string>): ReadonlySet<string> {
  const pairs = new Set<string>()
  paths.forEach(({ from, to }, index) => {
    const path = `scenario.paths[${index}]`
    checkNames(from, to, path, nodes)
    const key = pairKey(from, to)
    if (pairs.has(key)) {
      throw new TwinwireError('ERR_INVALID_OPTION', 'two paths join one pair of hosts', { path, expected: 'one path for each pair', found: `${from} and ${to}` })
    }
    pairs.add(key)
  })
  return pairs
}

function checkNames (from: string, to: string, path: string, names: ReadonlySet<string>): void {
  checkName(from, `${path}.from`, names)
  checkName(to, `${path}.to`, names)
  if (from === to) {
    throw new TwinwireError('ERR_INVALID_OPTION', 'two different hosts are needed', { path, expected: 'another name', found: show(from) })
  }
}

function checkName (name: string, path: string, names: ReadonlySet<string>): void {
  if (!names.has(name)) {
    throw new TwinwireError('ERR_UNKNOWN_HOST', 'no such host', { path, expected: nearestName(name, [...names]) ?? someOf([...names]), found: show(name) })
  }
}

function someOf (names: readonly string[]): string {
  return names.length === 0 ? 'no host more' : `one of ${names.slice(0, 20).join(', ')}${names.length > 20 ? ', ...' : ''}`
}
