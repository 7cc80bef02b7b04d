package guardrails_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/iam/template"
	"github.com/rootkeep/rootkeep/internal/access"
	"github.com/rootkeep/rootkeep/internal/app/guardrails"
	"github.com/rootkeep/rootkeep/internal/facts"
	"github.com/rootkeep/rootkeep/internal/guardrail"
)

var now = time.Date(2026, 7, 3, 9, 0, 0, 0, time.UTC)

const (
	allowAll   = `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}`
	management = "111122223333"
	delegated  = "222233334444"
	member     = "333344445555"
)

// rendered is the policy of a guardrail with values, as rootkeep prints it.
func rendered(t *testing.T, id string, values map[string]template.Values) facts.Document {
	t.Helper()
	c, err := guardrails.Load("")
	if err != nil {
		t.Fatal(err)
	}
	g := c.Find(id)
	text, err := g.Render(g.Policy().Type, values)
	if err != nil {
		t.Fatal(err)
	}
	return facts.Document{Name: id, Text: string(text)}
}

// account is one of an organization whose SCPs are these, with an administrator and a
// broker.
func account(t *testing.T, id rootkeep.AccountID, scps ...facts.Document) *facts.Snapshot {
	t.Helper()
	arn := "arn:aws:iam::" + string(id) + ":role/"
	s := &facts.Snapshot{Format: facts.Format, Account: id, Taken: now}
	s.Facts.Regions = []facts.Region{{Name: "us-east-1"}}
	s.Facts.Organization = facts.Organization{Member: true, ID: "o-a1b2c3d4e5", Management: id == management}
	if id == delegated {
		s.Facts.Organization.DelegatedServices = []string{"iam.amazonaws.com"}
	}
	s.Facts.Organization.SCPs = []facts.PolicyLevel{{Target: "r-root", Policies: append([]facts.Document{{Name: "all", Text: allowAll}}, scps...)}}
	trust := rendered(t, "broker-trust", map[string]template.Values{"rootkeep_role": {"arn:aws:iam::444455556666:role/rootkeep"}, "organization": {"o-a1b2c3d4e5"}})
	s.Facts.Roles = []facts.Role{{ARN: arn + "Root", Name: "Root", InlinePolicies: []facts.Document{rendered(t, "broker", nil)}, Trust: trust}}
	s.Observe("test", now, "", "organization", "regions", "roles", "users", "groups", "policies")
	return s
}

func administrator(s *facts.Snapshot) {
	s.Facts.Roles = append(s.Facts.Roles, facts.Role{
		ARN: "arn:aws:iam::" + string(s.Account) + ":role/Admin", Name: "Admin", InlinePolicies: []facts.Document{{Name: "all", Text: allowAll}},
		Trust: facts.Document{Text: `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::` + string(s.Account) + `:root"},"Action":"sts:AssumeRole"}}`},
	})
}

func check(t *testing.T, snapshots ...*facts.Snapshot) []guardrails.Account {
	t.Helper()
	var paths []string
	for _, s := range snapshots {
		path := filepath.Join(t.TempDir(), string(s.Account)+".json")
		f, err := os.Create(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Write(f); err != nil {
			t.Fatal(err)
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
		paths = append(paths, path)
	}
	c, err := guardrails.Load("")
	if err != nil {
		t.Fatal(err)
	}
	accounts, problems, err := c.Check(t.Context(), paths, now)
	if err != nil || len(problems) > 0 {
		t.Fatal(err, problems)
	}
	return accounts
}

func statuses(a guardrails.Account) map[string]rootkeep.Status {
	out := map[string]rootkeep.Status{}
	for _, st := range a.Standings {
		out[st.Guardrail.ID] = st.Status
	}
	return out
}

// What is rendered, and attached where it belongs, is found to hold: the templates, the
// promises and the controls mean the same.
func TestWhatIsRenderedHolds(t *testing.T) {
	brokers := map[string]template.Values{"brokers": {"arn:aws:iam::" + delegated + ":role/Root"}}
	rails := []facts.Document{rendered(t, "member-root", nil), rendered(t, "root-keys", nil), rendered(t, "assume-root", brokers)}
	guarded, open, bare := account(t, delegated, rails...), account(t, management, rails...), account(t, member)
	administrator(guarded)
	administrator(open)
	got := check(t, guarded, open, bare)
	const pass, fail, none = rootkeep.Pass, rootkeep.Fail, rootkeep.NotApplicable
	want := []map[string]rootkeep.Status{
		// No SCP binds the management account, so that its administrator calls as it likes.
		{"member-root": none, "root-keys": none, "assume-root": fail, "broker": fail, "broker-trust": fail},
		{"member-root": pass, "root-keys": pass, "assume-root": pass, "broker": pass, "broker-trust": pass},
		{"member-root": fail, "root-keys": fail, "assume-root": none, "broker": none, "broker-trust": none},
	}
	holders := []access.Holder{access.Management, access.Member, access.Member}
	for i, a := range got {
		if diff := cmp.Diff(want[i], statuses(a)); diff != "" {
			t.Errorf("%s (-want +got):\n%s\n%+v", a.ID, diff, a.Standings)
		}
		if a.Holder != holders[i] || a.Caller != (a.ID != member) {
			t.Errorf("%s is %s, caller %v", a.ID, a.Holder, a.Caller)
		}
	}
}

// The boundary that stands for the SCP holds an administrator of the management account.
func TestABoundaryHoldsInTheManagementAccount(t *testing.T) {
	c, err := guardrails.Load("")
	if err != nil {
		t.Fatal(err)
	}
	s := account(t, management)
	administrator(s)
	text, err := c.Find("assume-root").Render("boundary", map[string]template.Values{"brokers": {"arn:aws:iam::" + management + ":role/Root"}})
	if err != nil {
		t.Fatal(err)
	}
	s.Facts.Policies = []facts.Policy{{ARN: "arn:aws:iam::" + management + ":policy/fence", Document: facts.Document{Name: "fence", Text: string(text)}}}
	s.Facts.Roles[1].Boundary = s.Facts.Policies[0].ARN
	got := statuses(check(t, s)[0])
	want := map[string]rootkeep.Status{"member-root": rootkeep.NotApplicable, "root-keys": rootkeep.NotApplicable, "assume-root": rootkeep.Pass, "broker": rootkeep.Pass, "broker-trust": rootkeep.Pass}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestWhatIsNotKnownDoesNotHold(t *testing.T) {
	s := account(t, delegated)
	s.Origins = nil
	s.Observe("test", now, "", "regions")
	a := check(t, s)[0]
	if a.Holder != "" {
		t.Errorf("holder %s, want none", a.Holder)
	}
	for id, status := range statuses(a) {
		if status != rootkeep.Unknown {
			t.Errorf("%s is %s, want unknown", id, status)
		}
	}
}

func TestAGuardrailsControlIsThere(t *testing.T) {
	c, err := guardrails.Load("")
	if err != nil || len(c.Problems) > 0 {
		t.Fatal(err, c.Problems)
	}
	places := map[guardrail.Place]bool{}
	for _, g := range c.Guardrails {
		places[g.Where] = true
	}
	for _, st := range check(t, account(t, member))[0].Standings {
		if strings.HasPrefix(st.Detail, "there is no control") {
			t.Errorf("%s: %s", st.Guardrail.ID, st.Detail)
		}
	}
	if len(places) != len(guardrail.Places()) {
		t.Errorf("guardrails of %d places, want each of %v", len(places), guardrail.Places())
	}
}
