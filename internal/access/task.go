package access

import (
	"time"

	"github.com/rootkeep/rootkeep/internal/approval"
)

// Need is whether a task needs root.
type Need string

// The needs.
const (
	NeedsRoot Need = "root"
	NotRoot   Need = "not-root" // it once did, or people believe that it does
	Never     Need = "never"    // root must not be used for it
)

// Holder is whose root user a task is of.
type Holder string

// The holders.
const (
	Member     Holder = "member"     // of an organization, without its management account
	Management Holder = "management" // the management account of an organization
	Standalone Holder = "standalone" // an account in no organization
)

// Way is how a task is done with the root user of a holder. A holder without a way has no
// use for root: Task.Instead says what to do.
type Way struct {
	Path   Path   `yaml:"path"`
	Change string `yaml:"change"` // kind of change, on the path Assumed
	// Recovery says that the credential has to be made first, with root-recovery-allow, and
	// is taken away afterwards: a member without root credentials.
	Recovery bool `yaml:"recovery"`
}

// Task is something that people ask root for: one file of content/roottasks.
type Task struct {
	ID       string
	Title    string
	Why      string // what it is for
	Need     Need
	Instead  string         // the way without root, the first thing a requester reads; "" if there is none
	Kind     string         // kind of change that does it without root, or ""
	Ways     map[Holder]Way // none unless it needs root
	Events   []string       // what it causes in CloudTrail, as Request.Events
	Items    []Item         // of both checklists
	Expected time.Duration  // how long it takes
	Approval string         // ID of the policy that decides
	Source   string         // title of the page that says so
	Checked  time.Time      // the day on which somebody read that page
	Hash     approval.Hash  // of the file
}
