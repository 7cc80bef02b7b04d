package access

import (
	"fmt"
	"slices"

	"github.com/rootkeep/rootkeep/internal/approval"
)

// Phase is when an item of a checklist is answered, and what it is about.
type Phase string

// The phases. Those before the session come first.
const (
	Environment    Phase = "environment"
	Authentication Phase = "authentication"
	Conduct        Phase = "session"
	CleanUp        Phase = "clean-up"
	Documentation  Phase = "documentation"
)

// Phases lists them in their order.
func Phases() []Phase {
	return []Phase{Environment, Authentication, Conduct, CleanUp, Documentation}
}

// Before says whether items of the phase are answered before the session begins.
func (p Phase) Before() bool { return p == Environment || p == Authentication || p == Conduct }

// Item is one thing to be done or looked at. Its members are in the order of their names.
type Item struct {
	ID    string `json:"id" yaml:"id"`
	Phase Phase  `json:"phase" yaml:"phase"`
	Text  string `json:"text" yaml:"text"` // one sentence, as an instruction
}

func (i *Item) check() error {
	switch {
	case !taskID.MatchString(i.ID):
		return fmt.Errorf("item %q: want an ID of small letters, digits and hyphens", i.ID)
	case !slices.Contains(Phases(), i.Phase):
		return fmt.Errorf("item %s: phase %q, want one of %v", i.ID, i.Phase, Phases())
	}
	return approval.CheckText("text of item "+i.ID, i.Text, 500)
}

// Answer is what a person said of an item: that it is done, or why it was skipped.
type Answer struct {
	Item    string `json:"item"`
	Skipped string `json:"skipped"` // the reason, "" if it is done
}

// Unanswered lists the items of a side of the session, before or after it, that nobody
// answered. An answer that is no answer to an item of the list is an error.
func Unanswered(list []Item, answers []Answer, before bool) ([]Item, error) {
	given := map[string]bool{}
	for _, a := range answers {
		if !slices.ContainsFunc(list, func(i Item) bool { return i.ID == a.Item }) {
			return nil, fmt.Errorf("item %q is not on the checklist", a.Item)
		}
		if a.Skipped != "" {
			if err := approval.CheckText("reason for skipping "+a.Item, a.Skipped, 500); err != nil {
				return nil, err
			}
		}
		given[a.Item] = true
	}
	var open []Item
	for _, i := range list {
		if i.Phase.Before() == before && !given[i.ID] {
			open = append(open, i)
		}
	}
	return open, nil
}
