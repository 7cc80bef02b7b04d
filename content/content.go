// Package content is rootkeep's shipped knowledge as data: one self-contained
// file for each thing, the directory being the registry. Adding a file adds the
// thing; nothing else is edited.
package content

import "embed"

// Files holds controls/<ID>.yaml, detections/<name>.yaml, the base events
// events/<name>.json that their cases patch, api/*.txt, the names of AWS's operations
// and events, eventactions/*.txt, which IAM action an event of CloudTrail stands for,
// escalations/<id>.yaml, techniques of privilege escalation, policies/<id>.yaml,
// templates of policies, changes/<id>.yaml, kinds of change, deployments/<id>.yaml, which kinds together make the monitoring, quiz/<id>.yaml, self-assessments, scorecards/<id>.yaml, what a
// list of achievements rests on, prices/<id>.yaml, what things cost,
// guardrails/<id>.yaml, policies that keep root from being used otherwise, and what they promise,
// notifiers/<id>.yaml, how a notice becomes an HTTP request,
// roottasks/<id>.yaml, what people ask root for, checklists/<id>.yaml, what such tasks share, and
// frameworks/<id>.yaml, what controls mean to the frameworks that people are audited by.
//
//go:embed api attack changes checklists controls deployments detections escalations eventactions events frameworks guardrails notifiers policies prices quiz roottasks scorecards
var Files embed.FS
