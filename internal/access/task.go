package access

import (
	"slices"
	"time"

	"github.com/rootkeep/rootkeep"
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

// Needs lists them in the order in which people read of them.
func Needs() []Need { return []Need{NeedsRoot, NotRoot, Never} }

// Holder is whose root user a task is of.
type Holder string

// The holders.
const (
	Member     Holder = "member"     // of an organization, without its management account
	Management Holder = "management" // the management account of an organization
	Standalone Holder = "standalone" // an account in no organization
)

// Holders lists them.
func Holders() []Holder { return []Holder{Member, Management, Standalone} }

// HolderOf is what an account is to its organization, of which management is the
// management account; "" if it is in none.
func HolderOf(account, management rootkeep.AccountID) Holder {
	switch management {
	case "":
		return Standalone
	case account:
		return Management
	}
	return Member
}

// Way is how a task is done with the root user of a holder. A holder without a way has no
// use for root: Task.Without says what to do.
type Way struct {
	Path   Path   `yaml:"path"`
	Change string `yaml:"change"` // kind of change, on the path Assumed
	// Recovery says that the credential has to be made first, with root-recovery-allow, and
	// is taken away afterwards: a member without root credentials.
	Recovery bool `yaml:"recovery"`
	// Checklists are the IDs of shared lists, whose items and events come with the way.
	Checklists []string `yaml:"checklists"`

	Items  []Item   `yaml:"-"` // those of the lists, then the task's own
	Events []string `yaml:"-"` // what the task and the lists cause, in order, each once
}

// Task is something that people ask root for: one file of content/roottasks.
type Task struct {
	ID       string
	Title    string
	Why      string // what it is for
	Need     Need
	Instead  string            // the way without root, the first thing a requester reads; "" if there is none
	Holders  map[Holder]string // the same of a holder where it is another
	Kind     string            // kind of change that does it without root, or ""
	Ways     map[Holder]Way    // none unless it needs root
	Requests []Kind            // what it is asked for as: Use, Drill; none unless it needs root
	Events   []string          // what it causes in CloudTrail, as Request.Events, without those of checklists
	Expected time.Duration     // how long it takes
	Approval string            // ID of the policy that decides its use
	Source   string            // title of the page that says so
	Checked  time.Time         // the day on which somebody read that page
	Hash     approval.Hash     // of the file, without its cases

	file  string
	cases []Case
}

// File is the file that the task was read from.
func (t *Task) File() string { return t.file }

// Without is the way without root of a holder, "" if there is none.
func (t *Task) Without(h Holder) string {
	if text := t.Holders[h]; text != "" {
		return text
	}
	return t.Instead
}

// Policy is the ID of the policy that decides a request of a kind.
func (t *Task) Policy(k Kind) string {
	if k == Drill {
		return approval.RootDrill
	}
	return t.Approval
}

// Session is how long a session of the task lasts at most: as long as the task takes, and
// never shorter than usual. One of sts:AssumeRoot AWS ends after a quarter of an hour.
func (t *Task) Session(h Holder) time.Duration {
	if t.Ways[h].Path == Assumed {
		return UsualSession
	}
	return max(UsualSession, t.Expected)
}

// Takes says whether the task can be asked for as a kind.
func (t *Task) Takes(k Kind) bool { return slices.Contains(t.Requests, k) }

// Find is the task of an ID, nil if there is none.
func Find(tasks []*Task, id string) *Task {
	i := slices.IndexFunc(tasks, func(t *Task) bool { return t.ID == id })
	if i < 0 {
		return nil
	}
	return tasks[i]
}
