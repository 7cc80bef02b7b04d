package rootkeep

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"time"
)

// Status is what a control came to for one resource. The zero value is Unknown: what
// nobody decided is not a pass.
type Status uint8

// Statuses.
const (
	Unknown       Status = iota // a fact could not be read
	Fail                        // the resource does not meet the control
	Pass                        // it does, and every fact it rests on was read
	NotApplicable               // the control does not concern the resource
	Excepted                    // it fails, and an owner accepted that until a day
)

var statuses = [...]string{"unknown", "fail", "pass", "not-applicable", "excepted"}

// ParseStatus reads a status name.
func ParseStatus(s string) (Status, error) {
	for i, name := range statuses {
		if s == name {
			return Status(i), nil
		}
	}
	return Unknown, fmt.Errorf("status %q: want one of %s", s, strings.Join(statuses[:], ", "))
}

// String is the name in JSON.
func (s Status) String() string { return statuses[min(int(s), len(statuses)-1)] }

// MarshalText writes the name.
func (s Status) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads the name.
func (s *Status) UnmarshalText(b []byte) error {
	v, err := ParseStatus(string(b))
	if err == nil {
		*s = v
	}
	return err
}

// Finding is one control judged for one resource of one account.
type Finding struct {
	Control  string    `json:"control"` // ID, such as RT-01
	Title    string    `json:"title"`
	Severity Severity  `json:"severity"`
	Status   Status    `json:"status"`
	Account  AccountID `json:"account"`
	Region   Region    `json:"region,omitempty"`
	Resource string    `json:"resource"` // ARN; the root user's for the account itself, "account" if its number is not known
	// Detail says what was seen, for a person.
	Detail string `json:"detail,omitempty"`
	// Missing are the facts that an unknown finding lacks, with why; Permissions are
	// the AWS actions that would tell them.
	Missing     []string `json:"missing,omitempty"`
	Permissions []string `json:"permissions,omitempty"`
	// Exception is who accepted the failure of an excepted finding; nil for others.
	Exception *Exception `json:"exception,omitempty"`
}

// Exception is the acceptance of a failure.
type Exception struct {
	Owner  string    `json:"owner"`
	Reason string    `json:"reason"`
	Until  time.Time `json:"until"` // the first moment at which it no longer holds
}

// IsRoot says whether the finding is of a control about the root user, which no report
// hides below others.
func (f *Finding) IsRoot() bool { return strings.HasPrefix(f.Control, RootControls) }

// ID tells the finding apart, and stays the same from scan to scan: a digest of control,
// account, Region and resource.
func (f *Finding) ID() string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%q %q %q %q", f.Control, f.Account, f.Region, f.Resource))
	return "FI-" + hex.EncodeToString(sum[:12])
}

// RootControls is how the IDs of controls about the root user begin.
const RootControls = "RT-"
