package approvals

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rootkeep/rootkeep/internal/approval"
	"github.com/rootkeep/rootkeep/internal/people"
	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/store/approvals"
	"github.com/rootkeep/rootkeep/internal/store/entries"
	stored "github.com/rootkeep/rootkeep/internal/store/people"
	"github.com/rootkeep/rootkeep/internal/web/page"
)

// Folder is everything that is known of one request.
type Folder struct {
	*approvals.Matter
	Place     people.Place // of its account
	Versions  []approvals.Version
	Approvals []approvals.Approval
	Tally     []approval.Tally
	could     []approvals.Approver // approve now
	ends      time.Time            // it cannot be decided any more
	entries   []entries.Entry      // of the ledger, the newest first
	names     map[string]string    // of persons, by ID
}

// Open reads a folder that the actor may read.
func Open(ctx context.Context, r *store.Reader, d *approvals.Desk, actor people.Actor, id string, now time.Time) (*Folder, error) {
	var f Folder
	var err error
	if f.Matter, err = d.Get(ctx, r, actor, id, now); err != nil {
		return nil, err
	}
	if f.Place, err = d.Place(ctx, r, f.Request.Account); err != nil {
		return nil, err
	}
	if f.Versions, err = approvals.Versions(ctx, r, id); err != nil {
		return nil, err
	}
	if f.Approvals, err = approvals.Approvals(ctx, r, id); err != nil {
		return nil, err
	}
	if f.Tally, err = d.Tally(ctx, r, f.Matter, f.Signed(f.Approvals)); err != nil {
		return nil, err
	}
	if f.could, err = d.Could(ctx, r, f.Matter); err != nil {
		return nil, err
	}
	if f.entries, err = entries.List(ctx, r, entries.Filter{Subject: id}); err != nil {
		return nil, err
	}
	if f.ends, err = d.Ends(f.Matter); err != nil {
		return nil, err
	}
	if !now.Before(f.ends) {
		f.could = nil
	}
	f.names, err = Names(ctx, r, f.persons())
	return &f, err
}

// persons are the IDs of everybody whom the folder names.
func (f *Folder) persons() []string {
	out := append([]string{f.Request.Requester}, f.Request.Editors...)
	for _, v := range f.Versions {
		out = append(out, v.Editor)
	}
	for i := range f.Approvals {
		out = append(out, f.Approvals[i].Statement.Approver)
	}
	for i := range f.entries {
		out = append(out, f.entries[i].Actor)
	}
	return out
}

// Names reads the names of persons, and of the tokens that machines act by, by ID; who is not
// there has none.
func Names(ctx context.Context, r *store.Reader, ids []string) (map[string]string, error) {
	out := map[string]string{}
	for _, id := range ids {
		if _, known := out[id]; known {
			continue
		}
		p, err := stored.Get(ctx, r, id)
		if errors.Is(err, store.ErrNotFound) {
			if p.Name, err = stored.TokenName(ctx, r, id); err == nil {
				p.Name = "token " + p.Name
			}
		}
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return nil, err
		}
		out[id] = p.Name
	}
	return out, nil
}

// Who is a person for a page: the name, and the ID that statements hold.
func (f *Folder) Who(id string) string {
	if name := f.names[id]; name != "" {
		return name + " (" + id + ")"
	}
	return id
}

// waiting are those who could sign for or against it now.
func (f *Folder) waiting() []approvals.Approver {
	if f.State != approval.Requested {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(f.could), func(c approvals.Approver) bool {
		return slices.ContainsFunc(f.Approvals, func(a approvals.Approval) bool {
			return a.Counts(f.Matter) && a.Statement.Approver == c.ID
		})
	})
}

// signature is the last one of a person over a version; nil if there is none.
func (f *Folder) signature(version int, approver string) *approvals.Approval {
	for i := range slices.Backward(f.Approvals) {
		if a := &f.Approvals[i]; a.Version == version && a.Statement.Approver == approver {
			return a
		}
	}
	return nil
}

// MayDecide says whether the actor could sign for or against it now.
func (f *Folder) MayDecide(actor people.Actor) bool {
	return slices.ContainsFunc(f.waiting(), func(c approvals.Approver) bool { return c.ID == actor.ID })
}

// asked are the facts of every request: who asked, when, and under which policy.
func (f *Folder) asked() []page.Fact {
	return []page.Fact{
		{Term: "Asked by", Value: page.Text(f.Who(f.Request.Requester))},
		{Term: "Asked", Value: page.Time(f.Request.Created)},
		{Term: "Can be approved until", Value: page.Time(f.ends)},
		{Term: "Policy", Value: page.Text(fmt.Sprintf("%s, version %d", f.Policy.ID, f.Policy.Version))},
	}
}

// Facts are those of the subject, then those of the request.
func (f *Folder) Facts(of *Face) ([]page.Fact, error) {
	out, err := of.Facts(f.Subject)
	return append(out, f.asked()...), err
}

func differenceRows(list []Difference) []page.Row {
	out := make([]page.Row, len(list))
	for i, d := range list {
		out[i] = page.Cells(page.Text(d.Field), page.LongText(d.Before), page.LongText(d.After))
	}
	return out
}

var differenceColumns = []page.Column{{Title: "Field"}, {Title: "Before"}, {Title: "Now"}}

func (f *Folder) tallyRows() []page.Row {
	out := make([]page.Row, len(f.Tally))
	for i, t := range f.Tally {
		var by []string
		for _, person := range t.By {
			by = append(by, f.Who(person))
		}
		tone, word := page.Unsure, "open"
		if len(t.By) >= t.Count {
			tone, word = page.Good, "met"
		}
		out[i] = page.Cells(page.Text(t.Name+" ("+t.Group+")"), page.Text(fmt.Sprintf("%d of %d", len(t.By), t.Count)), page.Badge(tone, word), page.Text(orNobody(by)))
	}
	return out
}

var tallyColumns = []page.Column{{Title: "Group"}, {Title: "Approvals", Number: true}, {Title: "State"}, {Title: "By"}}

func orNobody(list []string) string {
	if len(list) == 0 {
		return "nobody yet"
	}
	return strings.Join(list, ", ")
}

func (f *Folder) approvalRows(evidence bool) []page.Row {
	out := make([]page.Row, len(f.Approvals))
	for i := range f.Approvals {
		a := &f.Approvals[i]
		tone, word := page.Good, "approved"
		if a.Statement.Decision == approval.Deny {
			tone, word = page.Bad, "denied"
		}
		switch {
		case a.Version != f.Request.Version:
			tone, word = page.Plain, "void"
		case !a.Counts(f.Matter):
			tone, word = page.Plain, "void: key revoked"
		}
		file := page.Text("")
		if evidence && a == f.signature(a.Version, a.Statement.Approver) {
			file = page.To(fmt.Sprintf("/approvals/%s/signatures/%d/%s", f.ID, a.Version, a.Statement.Approver), "File to verify")
		}
		out[i] = page.Cells(page.Text(f.Who(a.Statement.Approver)), page.Badge(tone, word), page.Time(a.At), page.ID(a.Key.Fingerprint().String()[:16]), page.ID(a.Statement.Challenge().String()), file)
	}
	return out
}

var approvalColumns = []page.Column{{Title: "Approver"}, {Title: "Decision"}, {Title: "Signed"}, {Title: "Key"}, {Title: "SHA-256 of the statement"}, {Title: "Evidence"}}

// entryRows are the entries of the ledger that tell of it. Who may not read the whole
// ledger gets no links into it.
func (f *Folder) entryRows(links bool) []page.Row {
	out := make([]page.Row, len(f.entries))
	for i := range f.entries {
		e := &f.entries[i]
		number, receipt := page.Text(strconv.FormatInt(e.N, 10)), page.Text("")
		if links {
			at := fmt.Sprintf("/ledger/entries/%d", e.N)
			number, receipt = page.To(at, strconv.FormatInt(e.N, 10)), page.To(at+"/receipt", "Receipt")
		}
		out[i] = page.Cells(number, page.Text(e.Type), page.Time(e.Time), page.Text(f.Who(e.Actor)), receipt)
	}
	return out
}

var entryColumns = []page.Column{{Title: "Entry"}, {Title: "Type"}, {Title: "Time"}, {Title: "By"}, {Title: "Proof"}}

// CouldText names those who could approve.
func CouldText(list []approvals.Approver) string {
	out := make([]string, len(list))
	for i, a := range list {
		out[i] = a.Name + " (" + a.ID + ")"
	}
	return orNobody(out)
}

// Needs says in words what a policy asks for.
func Needs(p *approval.Policy) string {
	out := make([]string, len(p.Require))
	for i, q := range p.Require {
		out[i] = fmt.Sprintf("%d of %s (%s)", q.Count, q.Name, q.Group)
	}
	return strings.Join(out, " and ")
}

// Edits are what each edit of the request changed, in their order.
func (f *Folder) Edits(of *Face) ([][]Difference, error) {
	var out [][]Difference
	for i := 1; i < len(f.Versions); i++ {
		d, err := of.Differences(f.Versions[i-1].Subject, f.Versions[i].Subject)
		if err != nil {
			return nil, err
		}
		out = append(out, d)
	}
	return out, nil
}
