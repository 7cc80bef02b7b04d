// Package content is rootkeep's shipped knowledge as data: one self-contained
// file for each thing, the directory being the registry. Adding a file adds the
// thing; nothing else is edited.
package content

import "embed"

// Files holds detections/<name>.yaml, the base events events/<name>.json that
// their cases patch, api/*.txt, the names of AWS's operations and events, and
// escalations/<id>.yaml, the techniques of privilege escalation.
//
//go:embed api attack detections escalations events
var Files embed.FS
