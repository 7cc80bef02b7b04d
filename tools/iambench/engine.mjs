// Times the evaluator whose install folder is the first argument on one request that
// comes as JSON on standard input, and prints what it decides and how long it took,
// in microseconds of this process's CPU time. It runs as a process of its own; nothing
// of that evaluator is part of rootkeep.
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { readFileSync } from 'node:fs'

const folder = process.argv[2]
const budget = Number(process.argv[3]) * 1000 // microseconds for each measurement
const load = createRequire(join(folder, 'package.json'))
const inside = (name) => load(join(folder, 'node_modules/@cloud-copilot/iam-simulate/dist/cjs', name))
const { runUnsafeSimulation } = load('@cloud-copilot/iam-simulate')
const { loadPolicy } = load('@cloud-copilot/iam-policy')
const { authorize } = inside('core_engine/CoreSimulatorEngine.js')
const { AwsRequestImpl } = inside('request/request.js')
const { RequestContextImpl } = inside('requestContext.js')
const { DiscoveryContextKeyConstraints } = inside('context_keys/discoveryContextKeyConstraints.js')

const simulation = JSON.parse(readFileSync(0, 'utf8'))
const ready = (list) => list.map((p) => loadPolicy(p.policy, { name: p.name }))
const parsed = {
  sessionPolicy: undefined,
  identityPolicies: ready(simulation.identityPolicies),
  serviceControlPolicies: simulation.serviceControlPolicies.map((l) => ({ ...l, policies: ready(l.policies) })),
  resourceControlPolicies: [],
  resourcePolicy: undefined,
  permissionBoundaries: ready(simulation.permissionBoundaryPolicies),
  vpcEndpointPolicies: undefined,
  simulationParameters: { simulationMode: 'Strict', discoveryContextKeyConstraints: new DiscoveryContextKeyConstraints([]) }
}
const { principal, resource, action, contextVariables } = simulation.request
const engine = () =>
  authorize({ ...parsed, request: new AwsRequestImpl(principal, resource, action, new RequestContextImpl(contextVariables)) }).result
const unvalidated = () => runUnsafeSimulation(simulation, {})

function time(f) {
  for (let i = 0; i < 500; i++) f() // compiled by then
  let best = Infinity
  for (let round = 0; round < 5; round++) {
    let n = 0
    const start = process.cpuUsage()
    let used = 0
    do {
      for (let i = 0; i < 20; i++) f()
      n += 20
      const now = process.cpuUsage(start)
      used = now.user + now.system
    } while (used < budget)
    best = Math.min(best, used / n)
  }
  return best
}

process.stdout.write(JSON.stringify({ decision: engine(), engine: time(engine), unvalidated: time(unvalidated) }))
