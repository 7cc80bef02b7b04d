package alert

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/rootkeep/rootkeep/internal/approval"
)

// Bounds of what people do.
const (
	LongestReason = 1000                // bytes
	LongestSnooze = 14 * 24 * time.Hour // so that nobody forgets it
	MostTags      = 32
	MostGiven     = 24 // tags up to which settings and rules add some: people have room
)

// decided notes that a person acted.
func (a *Alert) decided(act Act, by, about string, now time.Time) {
	a.Decided, a.By, a.Reason = now, by, about
	a.Say(act, by, about, now)
}

func (a *Alert) refuse(what string) error {
	return fmt.Errorf("alert %s is %s, and %s: %w", a.ID, a.State, what, ErrState)
}

func (a *Alert) reasoned(name, text string) error {
	if err := approval.CheckText(name, text, LongestReason); err != nil {
		return fmt.Errorf("alert %s: %w: %w", a.ID, ErrInvalid, err)
	}
	return nil
}

// Acknowledge notes that somebody looks at the alert, who has it from then on unless
// somebody else does. From then on it does not escalate by time. The note may be empty.
func (a *Alert) Acknowledge(note, by string, person bool, now time.Time) error {
	if a.State == Closed || a.State == Acknowledged {
		return a.refuse("is not acknowledged; hint: reopen it first if it is closed")
	}
	if note != "" {
		if err := a.reasoned("note", note); err != nil {
			return err
		}
	}
	if a.Owner == "" && person {
		a.Owner = by
	}
	a.State, a.Until, a.Due = Acknowledged, time.Time{}, time.Time{}
	a.decided(Seen, by, note, now)
	return nil
}

// Assign gives the alert to a person.
func (a *Alert) Assign(owner, by string, now time.Time) error {
	switch {
	case a.State == Closed:
		return a.refuse("is given to nobody; hint: reopen it first")
	case owner == "" || owner == a.Owner:
		return fmt.Errorf("alert %s is to be given to somebody who has it not: %w", a.ID, ErrInvalid)
	}
	a.Owner, a.Decided, a.By = owner, now, by
	a.Say(Assigned, by, owner, now)
	return nil
}

// Snooze has the alert wait until a moment. It wakes before that if it becomes more severe.
func (a *Alert) Snooze(until time.Time, reason, by string, now time.Time) error {
	switch {
	case a.State == Closed:
		return a.refuse("cannot be snoozed; hint: reopen it first")
	case !until.After(now) || until.Sub(now) > LongestSnooze:
		return fmt.Errorf("alert %s: a snooze ends in the future, within 14 days: %w", a.ID, ErrInvalid)
	}
	if err := a.reasoned("reason", reason); err != nil {
		return err
	}
	a.State, a.Until, a.Due = Snoozed, until, time.Time{}
	a.decided(Put, by, reason, now)
	return nil
}

// Close ends the alert with what it came to.
func (a *Alert) Close(reason, by string, now time.Time) error {
	if a.State == Closed {
		return a.refuse("is not closed again")
	}
	if err := a.reasoned("reason", reason); err != nil {
		return err
	}
	a.Decided, a.By = now, by
	a.end(by, reason, now)
	return nil
}

// Reopen takes a close, an acknowledgement or a snooze back.
func (a *Alert) Reopen(reason, by string, now time.Time) error {
	if a.State == New {
		return a.refuse("needs no reopening")
	}
	if err := a.reasoned("reason", reason); err != nil {
		return err
	}
	a.State, a.Closed, a.Until, a.Escalated = New, time.Time{}, time.Time{}, 0
	a.decided(Reopened, by, reason, now)
	return nil
}

var tagForm = regexp.MustCompile(`^[a-z0-9][a-z0-9._:-]{0,39}$`)

// CheckTag refuses what is no tag: small letters, digits and . _ : - , at most 40.
func CheckTag(tag string) error {
	if !tagForm.MatchString(tag) {
		return fmt.Errorf("tag %q: want small letters, digits and . _ : -, at most 40: %w", tag, ErrInvalid)
	}
	return nil
}

// Tag adds and removes tags.
func (a *Alert) Tag(add, remove []string, by string, now time.Time) error {
	for _, t := range add {
		if err := CheckTag(t); err != nil {
			return fmt.Errorf("alert %s: %w", a.ID, err)
		}
	}
	tags := slices.DeleteFunc(joined(a.Tags, add), func(t string) bool { return slices.Contains(remove, t) })
	switch {
	case slices.Equal(tags, a.Tags):
		return fmt.Errorf("alert %s has these tags already: %w", a.ID, ErrInvalid)
	case len(tags) > MostTags:
		return fmt.Errorf("alert %s would have %d tags, at most %d: %w", a.ID, len(tags), MostTags, ErrInvalid)
	}
	a.Tags = tags
	a.Say(Tagged, by, strings.Join(tags, " "), now)
	return nil
}

// Give adds tags that settings and rules say, the first ones first as long as there is room,
// and notes if there is none. One that is no tag is left out. It is no line of the history.
func (a *Alert) Give(tags []string) {
	for _, t := range tags {
		switch {
		case CheckTag(t) != nil || slices.Contains(a.Tags, t):
		case len(a.Tags) < MostGiven:
			a.Tags = append(a.Tags, t)
		default:
			a.Untagged = true
		}
	}
	slices.Sort(a.Tags)
}

func joined(a, b []string) []string {
	out := append(slices.Clone(a), b...)
	slices.Sort(out)
	return slices.Compact(out)
}
