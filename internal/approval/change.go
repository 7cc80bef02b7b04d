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
// change, of which this package knows only that it is canonical JSON.
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

// CheckPlan refuses what could not be the subject of a request to apply a change: it is
// one JSON object of at most MaxPlan bytes, as Canonical writes it, so that two texts
// never say the same.
func CheckPlan(text []byte) error {
	switch {
	case len(text) > MaxPlan:
		return fmt.Errorf("plan: %d bytes, at most %d", len(text), MaxPlan)
	case !utf8.Valid(text):
		return errors.New("plan: not UTF-8")
	case len(text) == 0 || text[0] != '{':
		return errors.New("plan: want one JSON object")
	}
	again, err := Canonical(json.RawMessage(text))
	switch {
	case err != nil:
		return fmt.Errorf("plan: %w", err)
	case !bytes.Equal(again, text):
		return errors.New("plan: not canonical JSON (members once and in order, no space)")
	}
	return nil
}

// Canonical is the JSON of a value with the members of all objects in the order of their
// names and without space. It is that of RFC 8785 for values whose numbers are whole and
// whose names are of the Basic Multilingual Plane; U+2028 and U+2029 are escaped.
func Canonical(v any) ([]byte, error) {
	text, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	if err := shallow(text); err != nil {
		return nil, err
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber() // a number is written as it was
	var plain any
	if err := d.Decode(&plain); err != nil {
		return nil, err
	}
	return encode(plain)
}

// shallow refuses JSON that nests deeper than anybody reads.
func shallow(text []byte) error {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	for depth := 0; ; {
		t, err := d.Token()
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		}
		switch t {
		case json.Delim('{'), json.Delim('['):
			depth++
		case json.Delim('}'), json.Delim(']'):
			depth--
		}
		if depth > maxDepth {
			return fmt.Errorf("values nest deeper than %d", maxDepth)
		}
	}
}
