// Reads cases in the form of `rootkeep iam eval --cases`, one a line, and prints
// what the evaluator whose install folder is the first argument decides. It is run
// as a process of its own by the differential test; nothing of that evaluator is
// part of rootkeep.
import { createInterface } from 'node:readline'
import { createRequire } from 'node:module'
import { join } from 'node:path'

const load = createRequire(join(process.argv[2], 'package.json'))
const { runSimulation, anonymousPrincipal } = load('@cloud-copilot/iam-simulate')

const words = { Allowed: 'allowed', ExplicitlyDenied: 'explicitly_denied', ImplicitlyDenied: 'implicitly_denied' }
const levels = (list) => (list ?? []).map((policies, i) => ({ orgIdentifier: 'level-' + i, policies }))

async function decide(c) {
  const simulation = {
    request: {
      principal: c.request.principal === '*' ? anonymousPrincipal : c.request.principal,
      action: c.request.action,
      resource: { resource: c.request.resource, accountId: c.request.resourceAccount },
      contextVariables: c.request.context ?? {}
    },
    identityPolicies: c.identity ?? [],
    serviceControlPolicies: levels(c.scps),
    resourceControlPolicies: levels(c.rcps),
    resourcePolicy: c.resource,
    permissionBoundaryPolicies: c.boundary,
    sessionPolicy: c.session ? c.session[0].policy : undefined,
    vpcEndpointPolicies: c.endpoint,
    additionalSettings: { s3: { blockPublicAccess: c.request.restrictPublicBuckets } }
  }
  const answer = await runSimulation(simulation, {})
  return words[answer.overallResult] ?? 'error: ' + JSON.stringify(answer.errors)
}

for await (const line of createInterface({ input: process.stdin })) {
  const c = JSON.parse(line)
  let decision
  try {
    decision = await decide(c)
  } catch (err) {
    decision = 'error: ' + err.message
  }
  process.stdout.write(JSON.stringify({ id: c.id, decision }) + '\n')
}
