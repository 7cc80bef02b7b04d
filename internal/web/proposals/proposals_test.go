package proposals_test

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/client"
	"github.com/rootkeep/rootkeep/internal/app/kinds"
	"github.com/rootkeep/rootkeep/internal/app/scan"
	"github.com/rootkeep/rootkeep/internal/facts"
	"github.com/rootkeep/rootkeep/internal/people"
	"github.com/rootkeep/rootkeep/internal/store"
	kept "github.com/rootkeep/rootkeep/internal/store/posture"
	"github.com/rootkeep/rootkeep/internal/web/proposals"
	"github.com/rootkeep/rootkeep/internal/web/webtest"
)

const (
	alpha = rootkeep.AccountID("111111111111")
	beta  = rootkeep.AccountID("222222222222")
	at    = "/api/v1/changes/proposals"
)

func serve(t *testing.T) *webtest.Server {
	t.Helper()
	controls, problems, err := scan.LoadControls(nil)
	if err != nil || len(problems) > 0 {
		t.Fatal(err, problems)
	}
	catalogue, err := kinds.Load(nil, false)
	if err != nil {
		t.Fatal(err)
	}
	s := webtest.Store(t)
	area, err := proposals.Area(proposals.Config{Store: s, Controls: controls, Kinds: catalogue.Kinds})
	if err != nil {
		t.Fatal(err)
	}
	actors := webtest.Everyone(time.Now())
	actors["viewer-of-beta"] = webtest.Person("viewer-of-beta", time.Now(), people.Grant{Role: people.Viewer, Scope: "account:" + people.Scope(beta)})
	return webtest.Serve(t, s, actors, area)
}

// record keeps a scan of accounts, of which alpha is the management account, that found
// no password policy, no central management of root, and what a control of yesterday says.
func record(t *testing.T, s *store.Store, id string, taken time.Time, accounts ...rootkeep.AccountID) {
	t.Helper()
	var used []string
	err := s.Update(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		if err := kept.Start(ctx, tx, kept.Begin{ID: id, Source: kept.Imported, Actor: "PE-1", Version: "test", State: kept.Judging}); err != nil {
			return err
		}
		for _, account := range accounts {
			snapshot := &facts.Snapshot{Format: facts.Format, Account: account, Taken: taken, Origins: []facts.Origin{}, Gaps: []facts.Gap{}}
			snapshot.Facts.Organization.Management = account == alpha
			root := "arn:aws:iam::" + string(account) + ":root"
			found := []rootkeep.Finding{
				{Control: "PW-08", Title: "Password policy", Severity: rootkeep.Medium, Status: rootkeep.Fail, Account: account, Resource: root},
				{Control: "RT-01", Title: "Root user has MFA", Severity: rootkeep.Critical, Status: rootkeep.Pass, Account: account, Resource: root},
				{Control: "RT-14", Title: "Root credentials are managed centrally", Severity: rootkeep.High, Status: rootkeep.Fail, Account: account, Resource: root},
				{Control: "GONE-1", Title: "A control of yesterday", Severity: rootkeep.Low, Status: rootkeep.Fail, Account: account, Resource: root},
			}
			used = []string{"PW-08", "RT-01", "RT-14", "GONE-1"}
			p, err := kept.Prepare(kept.Account{Name: "a", Snapshot: snapshot, Findings: found, Controls: used})
			if err != nil {
				return err
			}
			if err := kept.Take(ctx, tx, id, p); err != nil {
				return err
			}
		}
		_, err := kept.Finish(ctx, tx, kept.End{ID: id, Actor: "PE-1", Controls: used, Version: "test"})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func ask(t *testing.T, s *webtest.Server, actor, query string, status int) (client.ChangeProposals, string) {
	t.Helper()
	got := s.Get(actor, at+"?"+query)
	if got.Status != status {
		t.Fatalf("?%s: got %d, want %d\n%s", query, got.Status, status, got.Body)
	}
	var out client.ChangeProposals
	if err := json.Unmarshal([]byte(got.Body), &out); status == 200 && err != nil {
		t.Fatal(err)
	}
	return out, got.Body
}

func kindsOf(list client.ChangeProposals) []string {
	var out []string
	for _, p := range list.Proposals {
		out = append(out, p.Kind+" "+p.Account)
	}
	return out
}

func TestWhatAScanOnTheServerComesTo(t *testing.T) {
	s := serve(t)
	first, second := time.Now().Add(-time.Hour), time.Now()
	record(t, s.Store, "SC-1", first, alpha, beta)
	list, _ := ask(t, s, "viewer", "scan=SC-1", 200)
	if got := kindsOf(list); !slices.Contains(got, "password-policy 111111111111") || !slices.Contains(got, "password-policy 222222222222") || len(list.Scans) != 2 || len(list.Since) != 0 {
		t.Errorf("got %v of %+v, want the policy of both accounts", got, list.Scans)
	}
	if i := slices.IndexFunc(list.Proposals, func(p client.ChangeProposal) bool { return p.Kind == "password-policy" }); i >= 0 {
		if p := list.Proposals[i]; p.Severity != "medium" || len(p.Fails) != 1 || p.Fails[0].Control != "PW-08" || p.Undo != "all" || p.Reason != "" {
			t.Errorf("got %+v", p)
		}
	}
	if len(list.People) != 2 || !slices.ContainsFunc(list.People, func(p client.NeedsPerson) bool {
		return p.Control == "GONE-1" && strings.Contains(p.Reason, "not loaded")
	}) {
		t.Errorf("got people %+v, want the control that is gone among them", list.People)
	}

	record(t, s.Store, "SC-2", second, beta)
	list, _ = ask(t, s, "viewer", "scan=SC-1", 200)
	if got := kindsOf(list); slices.Contains(got, "password-policy 222222222222") || len(list.Since) != 1 || list.Since[0].Scan != "SC-2" {
		t.Errorf("scanned since: got %v, %+v, want beta left out and named", got, list.Since)
	}
	list, _ = ask(t, s, "viewer", "account=222222222222", 200)
	if len(list.Scans) != 1 || list.Scans[0].Scan != "SC-2" || !slices.Contains(kindsOf(list), "password-policy 222222222222") {
		t.Errorf("the newest of an account: got %v of %+v", kindsOf(list), list.Scans)
	}
}

// TestScansOutOfSight gives one answer for what is not there and what may not be read.
func TestScansOutOfSight(t *testing.T) {
	s := serve(t)
	record(t, s.Store, "SC-1", time.Now(), alpha, beta)
	record(t, s.Store, "SC-2", time.Now().Add(time.Second), alpha)
	list, body := ask(t, s, "viewer-of-beta", "scan=SC-1", 200)
	if len(list.Scans) != 1 || strings.Contains(body, string(alpha)) {
		t.Errorf("got %s, want nothing of alpha", body)
	}
	for _, query := range []string{"account=111111111111", "account=333333333333", "scan=SC-2", "scan=SC-9"} {
		ask(t, s, "viewer-of-beta", query, 404)
	}
	for _, query := range []string{"", "account=111111111111&scan=SC-1", "account=1"} {
		ask(t, s, "viewer", query, 422)
	}
	if got := s.Get("", at+"?scan=SC-1").Status; got != 401 && got != 303 {
		t.Errorf("nobody: got %d", got)
	}
}

// TestTheManagementAccountIsFound proposes what is planned in the management account,
// which is among those that were scanned, or is said.
func TestTheManagementAccountIsFound(t *testing.T) {
	s := serve(t)
	record(t, s.Store, "SC-1", time.Now(), alpha, beta)
	for query, want := range map[string]string{
		"scan=SC-1": "111111111111", "account=222222222222": "", "account=222222222222&management=333333333333": "333333333333",
	} {
		list, _ := ask(t, s, "viewer", query, 200)
		i := slices.IndexFunc(list.Proposals, func(p client.ChangeProposal) bool { return p.Kind == "root-access-central" })
		if i < 0 || list.Proposals[i].Account != want || (list.Proposals[i].Reason == "") != (want != "") {
			t.Errorf("?%s: got %+v, want it planned in %q", query, list.Proposals, want)
		}
	}
}
