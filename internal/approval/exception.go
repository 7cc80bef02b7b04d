package approval

import (
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/rootkeep/rootkeep"
)

// Exception is the subject of a request to accept a failure until a day: its members are
// in the order of their names. It covers one control in one account; a Region or a
// resource that is empty stands for all.
type Exception struct {
	Account  rootkeep.AccountID `json:"account"`
	Control  string             `json:"control"`
	Owner    string             `json:"owner"` // who accepts the failure
	Reason   string             `json:"reason"`
	Region   rootkeep.Region    `json:"region"`
	Resource string             `json:"resource"`
	Schema   string             `json:"schema"`
	Severity rootkeep.Severity  `json:"severity"` // of the control, when it was asked
	Title    string             `json:"title"`    // of the control, when it was asked
	Until    time.Time          `json:"until"`    // the first moment at which it no longer applies
}

// ExceptionSchema names the canonical JSON of an exception; ExceptionKind is the kind of
// its requests.
const (
	ExceptionSchema = "rootkeep/exception/1"
	ExceptionKind   = "exception"
)

// LongestException is how long an exception may run, from when it is asked for.
const LongestException = 366 * 24 * time.Hour

// Bytes is the canonical JSON of the exception.
func (e *Exception) Bytes() []byte { return canonical(e) }

// ParseException reads the canonical JSON of an exception, and nothing else.
func ParseException(text []byte) (*Exception, error) {
	e := &Exception{}
	if err := Parse(text, "exception", e); err != nil {
		return nil, err
	}
	return e, e.check()
}

// control is the form of a control's ID, region that of a Region's name.
var (
	control = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)
	region  = regexp.MustCompile(`^[a-z]{2,4}(-[a-z]+)+-[0-9]{1,2}$`)
)

func (e *Exception) check() error {
	if e.Schema != ExceptionSchema {
		return fmt.Errorf("exception: schema %q, want %s", e.Schema, ExceptionSchema)
	}
	if _, err := rootkeep.ParseAccountID(string(e.Account)); err != nil {
		return fmt.Errorf("exception: %w", err)
	}
	switch {
	case !control.MatchString(e.Control):
		return fmt.Errorf("exception: control %q: want the ID of one control, without wildcards", e.Control)
	case e.Region != "" && !region.MatchString(string(e.Region)):
		return fmt.Errorf("exception: region %q: want the name of one Region, or nothing for all", e.Region)
	case !whole(e.Until):
		return fmt.Errorf("exception: until %s: want a moment of whole seconds, UTC", e.Until)
	}
	for _, t := range []struct {
		name, text string
		longest    int
	}{{"owner", e.Owner, 200}, {"reason", e.Reason, 2000}, {"title of the control", e.Title, 300}} {
		if err := CheckText(t.name, t.text, t.longest); err != nil {
			return fmt.Errorf("exception: %w", err)
		}
	}
	if e.Resource != "" {
		if err := CheckText("resource", e.Resource, 2048); err != nil {
			return fmt.Errorf("exception: %w", err)
		}
	}
	return nil
}

// Ready completes an exception that somebody asks for now, and refuses one that could
// not be granted.
func (e *Exception) Ready(now time.Time) error {
	e.Schema, e.Owner, e.Reason = ExceptionSchema, strings.TrimSpace(e.Owner), strings.TrimSpace(e.Reason)
	e.Until = cutoff(e.Until)
	if err := e.check(); err != nil {
		return err
	}
	if !e.Until.After(now) || e.Until.Sub(now) > LongestException {
		return fmt.Errorf("exception: until %s: want a day after today and at most 366 days ahead, by %s",
			e.Until.Format(time.DateOnly), now.Add(LongestException).Format(time.DateOnly))
	}
	return nil
}

// Policy is the ID of the policy that decides it.
func (e *Exception) Policy() string {
	if e.Severity == rootkeep.Critical || strings.HasPrefix(e.Control, rootkeep.RootControls) {
		return CriticalException
	}
	return OtherException
}

// Action is the line that statements carry.
func (e *Exception) Action() string {
	return fmt.Sprintf("accept failure of %s until %s", e.Control, e.Until.Format(time.RFC3339))
}
