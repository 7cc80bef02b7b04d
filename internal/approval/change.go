package approval

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"unicode/utf8"
)

// ChangeKind is the kind of requests to apply a change. Their subject is the plan of the
// change, of which this package knows only that it is JSON.
const ChangeKind = "change"

// Class is what a change is about: it says which policy decides, and which role of AWS
// applies it.
type Class string

// The classes.
const (
	Identity     Class = "identity"     // users, keys, roles, policies of IAM
	Logging      Class = "logging"      // trails, log groups, their buckets and keys
	Detection    Class = "detection"    // alarms, GuardDuty, Security Hub, Config
	Protection   Class = "protection"   // public access, encryption, contacts
	Organization Class = "organization" // policies, accounts and features of AWS Organizations
	Root         Class = "root"         // the root user of an account
)

// Classes lists them in the order in which pages show them.
func Classes() []Class {
	return []Class{Identity, Logging, Detection, Protection, Organization, Root}
}

// ParseClass reads a class.
func ParseClass(s string) (Class, error) {
	if c := Class(s); slices.Contains(Classes(), c) {
		return c, nil
	}
	return "", fmt.Errorf("class of change %q: want one of %v", s, Classes())
}

// Gravity is whether a change can be taken back.
type Gravity bool

// Final is a change that cannot wholly be undone, or whose risk is high.
const (
	Ordinary Gravity = false
	Final    Gravity = true
)

// Policy is the ID of the policy that decides a change of the class.
func (c Class) Policy(g Gravity) string {
	if g == Final {
		return "change-" + string(c) + "-final"
	}
	return "change-" + string(c)
}

// oneApproves says whether one approval is the default of a policy.
func oneApproves(policy string) bool {
	return slices.ContainsFunc(Classes(), func(c Class) bool {
		return c != Organization && c != Root && policy == c.Policy(Ordinary)
	})
}

// MaxPlan bounds the plan of a change, bytes.
const MaxPlan = 1 << 20

// maxDepth is how deep the values of a plan may nest.
const maxDepth = 100

// CheckPlan refuses what could not be the subject of a request to apply a change. A plan
// is one JSON object of at most MaxPlan bytes without space between its parts, in which
// no object has a member twice: it cannot be read in two ways. What a plan is beyond that
// is known to who makes and applies it.
func CheckPlan(text []byte) error {
	switch {
	case len(text) > MaxPlan:
		return fmt.Errorf("plan: %d bytes, at most %d", len(text), MaxPlan)
	case !utf8.Valid(text):
		return errors.New("plan: not UTF-8")
	case len(text) == 0 || text[0] != '{':
		return errors.New("plan: want one JSON object")
	}
	var compact bytes.Buffer
	if err := json.Compact(&compact, text); err != nil {
		return fmt.Errorf("plan: %w", err)
	}
	if !bytes.Equal(compact.Bytes(), text) {
		return errors.New("plan: has space between its parts")
	}
	return checkMembers(json.NewDecoder(bytes.NewReader(text)))
}

// checkMembers refuses an object that has a member twice, and values that nest deeper
// than anybody reads.
func checkMembers(d *json.Decoder) error {
	type open struct {
		members map[string]bool // nil of a list
		name    bool            // a name comes next
	}
	var within []open
	for {
		t, err := d.Token()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("plan: %w", err)
		}
		var in *open
		if len(within) > 0 {
			in = &within[len(within)-1]
		}
		switch {
		case t == json.Delim('}') || t == json.Delim(']'):
			within = within[:len(within)-1]
			continue
		case in != nil && in.name:
			name, _ := t.(string) // the decoder takes nothing else here
			if in.members[name] {
				return fmt.Errorf("plan: member %q twice", name)
			}
			in.members[name], in.name = true, false
			continue
		case in != nil && in.members != nil:
			in.name = true // after this value
		}
		switch {
		case t == json.Delim('{'):
			within = append(within, open{map[string]bool{}, true})
		case t == json.Delim('['):
			within = append(within, open{})
		}
		if len(within) > maxDepth {
			return fmt.Errorf("plan: values nest deeper than %d", maxDepth)
		}
	}
}
