package access

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/rootkeep/rootkeep/internal/approval"
)

// longestTask is how long a task may take: its session is as long.
const longestTask = 2 * time.Hour

func (l *Checklist) check() error {
	switch {
	case l.Kind != "checklist":
		return fmt.Errorf("kind %q, want checklist", l.Kind)
	case !taskID.MatchString(l.ID):
		return fmt.Errorf("id %q: want small letters, digits and hyphens", l.ID)
	case len(l.Items) == 0:
		return errors.New("a checklist without items")
	}
	for _, t := range []struct{ name, text string }{{"title", l.Title}, {"source", l.Source}} {
		if err := approval.CheckText(t.name, t.text, 300); err != nil {
			return err
		}
	}
	if err := checkItems(l.Items); err != nil {
		return err
	}
	return checkEvents(l.Events)
}

func checkItems(items []Item) error {
	if len(items) > mostItems {
		return fmt.Errorf("%d items, at most %d", len(items), mostItems)
	}
	seen := map[string]bool{}
	for i := range items {
		if err := items[i].check(); err != nil {
			return err
		}
		if seen[items[i].ID] {
			return fmt.Errorf("item %s twice", items[i].ID)
		}
		seen[items[i].ID] = true
	}
	return nil
}

func checkEvents(events []string) error {
	if len(events) > mostEvents {
		return fmt.Errorf("%d events, at most %d", len(events), mostEvents)
	}
	for _, e := range events {
		if !scope.MatchString(e) {
			return fmt.Errorf("event %q: want a source and a name, such as iam.amazonaws.com DeleteLoginProfile", e)
		}
	}
	return nil
}

// check refuses what the file says beside its task.
func (f *taskFile) check(known func(string) bool) error {
	switch {
	case f.Kind != "root-task":
		return fmt.Errorf("kind %q, want root-task", f.Kind)
	case f.Change != "" && !known(f.Change):
		return fmt.Errorf("change %q is no kind of change that is known; hint: rootkeep change list", f.Change)
	}
	return nil
}

// check refuses a task that a requester could not follow, or that nobody could judge
// afterwards.
func (t *Task) check(known func(string) bool) error {
	if !taskID.MatchString(t.ID) {
		return fmt.Errorf("id %q: want small letters, digits and hyphens", t.ID)
	}
	if !slices.Contains(Needs(), t.Need) {
		return fmt.Errorf("need %q, want one of %v", t.Need, Needs())
	}
	if err := t.checkTexts(); err != nil {
		return err
	}
	for h := range t.Ways {
		if !slices.Contains(Holders(), h) {
			return fmt.Errorf("way of %q, want one of %v", h, Holders())
		}
	}
	for _, h := range Holders() {
		if w, ok := t.Ways[h]; ok {
			if err := w.check(known); err != nil {
				return fmt.Errorf("way of %s: %w", h, err)
			}
		} else if t.Without(h) == "" {
			return fmt.Errorf("no way for %s, and no word on what to do without root; hint: write instead, or instead_for", h)
		}
	}
	if t.Need != NeedsRoot {
		return t.checkRootless()
	}
	return t.checkRequest()
}

func (t *Task) checkTexts() error {
	texts := []struct{ name, text string }{{"title", t.Title}, {"why", t.Why}, {"source", t.Source}}
	if t.Instead != "" {
		texts = append(texts, struct{ name, text string }{"instead", t.Instead})
	}
	for h, text := range t.Holders {
		if !slices.Contains(Holders(), h) {
			return fmt.Errorf("instead_for %q, want one of %v", h, Holders())
		}
		texts = append(texts, struct{ name, text string }{"instead_for " + string(h), text})
	}
	for _, x := range texts {
		if err := approval.CheckText(x.name, x.text, 1000); err != nil {
			return err
		}
	}
	if len(t.Title) > 200 { // as in a request
		return fmt.Errorf("title of %d bytes, at most 200", len(t.Title))
	}
	return nil
}

// checkRootless refuses what only a request has.
func (t *Task) checkRootless() error {
	if len(t.Ways)+len(t.Requests)+len(t.Events) > 0 || t.Approval != "" || t.Expected != 0 {
		return fmt.Errorf("need %s: want no ways, requests, events, expected or approval: nobody asks for root", t.Need)
	}
	return nil
}

func (t *Task) checkRequest() error {
	switch {
	case len(t.Ways) == 0:
		return errors.New("need root: want a way")
	case t.Expected < time.Minute || t.Expected > longestTask:
		return fmt.Errorf("expected %s: want a minute to %s", t.Expected, longestTask)
	case !slices.Contains([]string{approval.RootUse, approval.RootDrill}, t.Approval):
		return fmt.Errorf("approval %q: want %s or %s", t.Approval, approval.RootUse, approval.RootDrill)
	case t.Approval == approval.RootDrill && t.Takes(Use):
		return fmt.Errorf("approval %s is for exercises alone; hint: requests: [%s]", t.Approval, Drill)
	}
	for i, k := range t.Requests {
		if k != Use && k != Drill || slices.Contains(t.Requests[:i], k) {
			return fmt.Errorf("requests %v: want %s, %s or both", t.Requests, Use, Drill)
		}
	}
	return checkEvents(t.Events)
}

// check holds a way to what a request of its path needs.
func (w *Way) check(known func(string) bool) error {
	switch {
	case w.Path != Assumed && w.Path != SignIn:
		return fmt.Errorf("path %q, want %s or %s", w.Path, Assumed, SignIn)
	case w.Path == Assumed && (!known(w.Change) || w.Recovery):
		return fmt.Errorf("path %s: want a kind of change that is known, got %q, and no recovery", Assumed, w.Change)
	case w.Path == SignIn && w.Change != "":
		return fmt.Errorf("path %s is for no change", SignIn)
	case len(w.Events) == 0:
		return errors.New("no events: nobody could say what is in scope")
	}
	if err := checkItems(w.Items); err != nil {
		return err
	}
	want := []Phase{Environment, Documentation}
	if w.Path == SignIn {
		want = Phases()
	}
	for _, p := range want {
		if !slices.ContainsFunc(w.Items, func(i Item) bool { return i.Phase == p }) {
			return fmt.Errorf("no item of the phase %s", p)
		}
	}
	return checkEvents(w.Events)
}
