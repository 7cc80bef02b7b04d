package posture_test

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/facts"
	"github.com/rootkeep/rootkeep/internal/people"
	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/store/posture"
	"github.com/rootkeep/rootkeep/internal/store/storetest"
)

const (
	alpha = rootkeep.AccountID("111111111111")
	beta  = rootkeep.AccountID("222222222222")
)

var (
	day1  = time.Date(2026, 11, 1, 6, 0, 0, 0, time.UTC)
	admin = people.Actor{ID: "PE-1", Kind: people.Person, Grants: []people.Grant{{Role: people.Admin, Scope: people.Everywhere}}}
)

// viewer may read at one scope.
func viewer(scope people.Scope) people.Actor {
	return people.Actor{ID: "PE-2", Kind: people.Person, Grants: []people.Grant{{Role: people.Viewer, Scope: scope}}}
}

// account makes a snapshot in two organizational units.
func account(id rootkeep.AccountID, taken time.Time) *facts.Snapshot {
	s := &facts.Snapshot{Format: facts.Format, Account: id, Taken: taken, Origins: []facts.Origin{}, Gaps: []facts.Gap{}}
	unit := "ou-abcd-" + string(id[:8])
	s.Facts.Organization.SCPs = []facts.PolicyLevel{{Target: "r-abcd"}, {Target: unit}, {Target: string(id)}}
	s.Observe("organizations:ListPolicies", taken, "", "organization.scps")
	return s
}

func finding(id rootkeep.AccountID, control, resource string, status rootkeep.Status) rootkeep.Finding {
	f := rootkeep.Finding{Control: control, Title: "Title of " + control, Severity: rootkeep.High, Status: status, Account: id, Resource: resource}
	switch status {
	case rootkeep.Unknown:
		f.Missing = []string{"users.arn: iam:GetAccountAuthorizationDetails denied"}
	case rootkeep.Excepted:
		f.Exception = &rootkeep.Exception{Owner: "Ada", Reason: "agreed", Until: day1.AddDate(1, 0, 0)}
	}
	return f
}

// scan runs a scan of one account through the store.
func scan(t testing.TB, s *store.Store, id string, snapshot *facts.Snapshot, controls []string, findings ...rootkeep.Finding) {
	t.Helper()
	p, err := posture.Prepare(posture.Account{Name: "name of " + string(snapshot.Account), Snapshot: snapshot, Findings: findings, Controls: controls, Placed: true})
	if err != nil {
		t.Fatal(err)
	}
	update(t, s, func(ctx context.Context, tx *store.Tx) error {
		if err := posture.Start(ctx, tx, posture.Begin{ID: id, Source: posture.Imported, Actor: "PE-1", Version: "test", State: posture.Judging}); err != nil {
			return err
		}
		return posture.Take(ctx, tx, id, p)
	})
	update(t, s, func(ctx context.Context, tx *store.Tx) error {
		_, err := posture.Finish(ctx, tx, posture.End{ID: id, Actor: "PE-1", Version: "test", Controls: controls})
		return err
	})
}

func update(t testing.TB, s *store.Store, change func(context.Context, *store.Tx) error) {
	t.Helper()
	if err := s.Update(t.Context(), change); err != nil {
		t.Fatal(err)
	}
}

func view(t testing.TB, s *store.Store, read func(context.Context, *store.Reader) error) {
	t.Helper()
	if err := s.View(t.Context(), read); err != nil {
		t.Fatal(err)
	}
}

// all are the findings that an actor sees, page by page.
func all(t testing.TB, s *store.Store, actor people.Actor, f posture.Filter, order posture.Sort) []*posture.Finding {
	t.Helper()
	var out []*posture.Finding
	view(t, s, func(ctx context.Context, r *store.Reader) error {
		sight, err := posture.SightOf(ctx, r, actor)
		if err != nil {
			return err
		}
		for p := (posture.Page{Sort: order, Limit: 2}); ; {
			list, next, err := posture.Findings(ctx, r, sight, f, p)
			if err != nil {
				return err
			}
			out = append(out, list...)
			if p.After = next; next == "" {
				return nil
			}
		}
	})
	return out
}

// short is a finding in few words.
func short(f *posture.Finding) string {
	return fmt.Sprintf("%s %s %s since %s, changed %s, seen %s", f.Control, f.Resource, f.Status, f.FirstSeen.Format("2"), f.Changed.Format("2"), f.LastSeen.Format("2"))
}

func shorts(list []*posture.Finding) []string {
	out := make([]string, len(list))
	for i, f := range list {
		out[i] = short(f)
		if f.LastSeen.IsZero() {
			out[i], _, _ = strings.Cut(out[i], ", seen")
		}
	}
	slices.Sort(out)
	return out
}

func TestFindingsHaveAnAge(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		both := []string{"RT-01", "US-01"}
		at := func(day int) *facts.Snapshot { return account(alpha, day1.AddDate(0, 0, day-1)) }
		scan(t, s, "SC-1", at(1), both, finding(alpha, "RT-01", "root", rootkeep.Fail), finding(alpha, "US-01", "ann", rootkeep.Fail), finding(alpha, "US-01", "bob", rootkeep.Pass))
		for _, c := range []struct {
			name     string
			day      int
			controls []string
			found    []rootkeep.Finding
			want     []string
			changes  []string
		}{
			{"a control that was not judged keeps its findings with their age", 2, []string{"RT-01"},
				[]rootkeep.Finding{finding(alpha, "RT-01", "root", rootkeep.Fail)},
				[]string{"RT-01 root fail since 1, changed 1", "US-01 ann fail since 1, changed 1, seen 1", "US-01 bob pass since 1, changed 1, seen 1"}, nil},
			{"what passed and cannot be told is unknown, what failed still fails", 3, both,
				[]rootkeep.Finding{finding(alpha, "RT-01", "root", rootkeep.Pass), finding(alpha, "US-01", "account", rootkeep.Unknown)},
				[]string{"RT-01 root pass since 1, changed 3", "US-01 account unknown since 3, changed 3", "US-01 ann fail since 1, changed 1, seen 1", "US-01 bob unknown since 1, changed 3, seen 1"},
				[]string{"changed RT-01 root 1 2", "changed US-01 bob 2 0", "opened US-01 account -1 0"}},
			{"what is judged again is new, and what is gone is closed", 4, both,
				[]rootkeep.Finding{finding(alpha, "RT-01", "root", rootkeep.Pass), finding(alpha, "US-01", "bob", rootkeep.Excepted)},
				[]string{"RT-01 root pass since 1, changed 3", "US-01 bob excepted since 1, changed 4"},
				[]string{"changed US-01 bob 0 4", "closed US-01 account 0 -1", "closed US-01 ann 1 -1"}},
		} {
			t.Run(c.name, func(t *testing.T) {
				id := fmt.Sprintf("SC-%d", c.day)
				scan(t, s, id, at(c.day), c.controls, c.found...)
				if diff := gocmp.Diff(shorts(all(t, s, admin, posture.Filter{}, posture.ByUrgency)), c.want); diff != "" {
					t.Errorf("findings: got (-), want (+)\n%s", diff)
				}
				var got []string
				view(t, s, func(ctx context.Context, r *store.Reader) error {
					sight, _ := posture.SightOf(ctx, r, admin)
					list, err := posture.Changes(ctx, r, sight, "", id)
					for _, f := range list {
						got = append(got, fmt.Sprintf("%s %s %s %d %d", f.Kind, f.Finding.Control, f.Finding.Resource, f.Was, f.Now))
					}
					slices.Sort(got)
					return err
				})
				if diff := gocmp.Diff(got, c.changes); diff != "" {
					t.Errorf("changes: got (-), want (+)\n%s", diff)
				}
			})
		}
	})
}

func TestAScanIsTakenOnce(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		prepare := func(taken time.Time, status rootkeep.Status) *posture.Prepared {
			p, err := posture.Prepare(posture.Account{Snapshot: account(alpha, taken), Findings: []rootkeep.Finding{finding(alpha, "RT-01", "root", status)}, Controls: []string{"RT-01"}})
			if err != nil {
				t.Fatal(err)
			}
			return p
		}
		take := func(id string, p *posture.Prepared) error {
			return s.Update(t.Context(), func(ctx context.Context, tx *store.Tx) error { return posture.Take(ctx, tx, id, p) })
		}
		start := func(id, actor string) error {
			return s.Update(t.Context(), func(ctx context.Context, tx *store.Tx) error {
				return posture.Start(ctx, tx, posture.Begin{ID: id, Source: posture.Job, Actor: actor, State: posture.Judging})
			})
		}
		status := func() rootkeep.Status {
			return all(t, s, admin, posture.Filter{}, posture.ByUrgency)[0].Status
		}
		if err := take("SC-1", prepare(day1, rootkeep.Fail)); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("a scan that never began: got %v, want not found", err)
		}
		for _, id := range []string{"SC-1", "SC-1", "SC-2"} { // again: a job that is run again
			if err := start(id, "PE-1"); err != nil {
				t.Fatal(err)
			}
		}
		if err := start("SC-1", "PE-9"); !errors.Is(err, store.ErrConflict) {
			t.Errorf("the scan of somebody else: got %v, want a conflict", err)
		}
		if err := cmp.Or(take("SC-1", prepare(day1.AddDate(0, 0, 1), rootkeep.Fail)), take("SC-1", prepare(day1.AddDate(0, 0, 2), rootkeep.Pass))); err != nil {
			t.Fatal(err)
		}
		if got := status(); got != rootkeep.Fail {
			t.Errorf("an account that the scan has already: got %s, want the first one's fail", got)
		}
		if err := take("SC-2", prepare(day1, rootkeep.Pass)); err != nil {
			t.Fatal(err)
		}
		if got := status(); got != rootkeep.Fail {
			t.Errorf("older facts: got %s, want the newer ones' fail", got)
		}
		if err := take("SC-2", prepare(time.Now().AddDate(1, 0, 0), rootkeep.Pass)); err == nil || !strings.Contains(err.Error(), "still to come") {
			t.Errorf("facts of next year: got %v, want them refused", err)
		}
		finish := func(problem string) error {
			return s.Update(t.Context(), func(ctx context.Context, tx *store.Tx) error {
				_, err := posture.Finish(ctx, tx, posture.End{ID: "SC-1", Actor: "PE-1", Error: problem})
				return err
			})
		}
		if err := finish(""); err != nil {
			t.Fatal(err)
		}
		for _, err := range []error{finish("late"), take("SC-1", prepare(day1, rootkeep.Pass)), start("SC-1", "PE-1")} {
			if !errors.Is(err, store.ErrConflict) {
				t.Errorf("after its end: got %v, want a conflict", err)
			}
		}
	})
}

// The ledger holds what anybody can check: the digests of what was taken.
func TestTheLedgerTellsWhatAScanCameTo(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		scan(t, s, "SC-1", account(alpha, day1), []string{"RT-01"}, finding(alpha, "RT-01", "root", rootkeep.Fail))
		view(t, s, func(ctx context.Context, r *store.Reader) error {
			var data []byte
			err := r.Row(ctx, `SELECT p.data FROM log_entry e JOIN log_payload p ON p.n = e.n WHERE e.type = 'scan.finished' AND e.subject = 'SC-1' AND p.name = 'assessment'`).Scan(&data)
			if err != nil {
				return err
			}
			var a posture.Assessment
			if err := json.Unmarshal(data, &a); err != nil {
				return err
			}
			var accounts []posture.Assessed
			if err := json.Unmarshal(a.Accounts, &accounts); err != nil {
				return err
			}
			want, err := posture.FindingsDigest([]rootkeep.Finding{finding(alpha, "RT-01", "root", rootkeep.Fail)})
			if err != nil {
				return err
			}
			if len(accounts) != 1 || accounts[0].Findings != want || accounts[0].Snapshot == "" || len(a.SHA256) != 64 {
				t.Errorf("got %+v of %s, want the findings %s", accounts, a.SHA256, want)
			}
			return nil
		})
	})
}

func TestWhatPeopleVouchForIsTheServersToSay(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		snapshot := account(alpha, day1)
		snapshot.Facts.Attested.GroupMailbox = true
		snapshot.Observe("attestation", day1, "register.yaml:3", "attested.group_mailbox")
		scan(t, s, "SC-1", snapshot, nil)
		view(t, s, func(ctx context.Context, r *store.Reader) error {
			got, err := posture.Snapshot(ctx, r, "SC-1", alpha)
			if err != nil {
				return err
			}
			if _, known := got.Origin("attested.group_mailbox"); !known || !got.Facts.Attested.GroupMailbox {
				t.Error("what the register said is not with the facts that were judged")
			}
			return nil
		})
		var file strings.Builder
		if err := snapshot.Write(&file); err != nil {
			t.Fatal(err)
		}
		packed, err := posture.Pack(strings.NewReader(file.String()))
		if err != nil {
			t.Fatal(err)
		}
		update(t, s, func(ctx context.Context, tx *store.Tx) error {
			if err := posture.Start(ctx, tx, posture.Begin{ID: "SC-2", Source: posture.Sent, Actor: "TK-1", State: posture.Receiving}); err != nil {
				return err
			}
			return posture.Receive(ctx, tx, "SC-2", "alpha", packed, posture.Counts{})
		})
		view(t, s, func(ctx context.Context, r *store.Reader) error {
			got, err := posture.Snapshot(ctx, r, "SC-2", alpha)
			if err != nil {
				return err
			}
			if _, known := got.Origin("attested.group_mailbox"); known || got.Facts.Attested.GroupMailbox {
				t.Error("a snapshot that was sent vouches for something, want that left out")
			}
			return nil
		})
	})
}

func TestExceptionsBeginAndEndBetweenScans(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		scan(t, s, "SC-1", account(alpha, day1), []string{"RT-01", "US-01"}, finding(alpha, "RT-01", "root", rootkeep.Fail), finding(alpha, "US-01", "ann", rootkeep.Pass))
		apply := func(e *rootkeep.Exception) {
			update(t, s, func(ctx context.Context, tx *store.Tx) error {
				return posture.Except(ctx, tx, alpha, nil, func(list []rootkeep.Finding) {
					for i := range list {
						if list[i].Status != rootkeep.Fail {
							t.Errorf("got a finding that is %s, want failures alone", list[i].Status)
						}
						if e != nil {
							list[i].Status, list[i].Exception = rootkeep.Excepted, e
						}
					}
				})
			})
		}
		expect := func(name string, status rootkeep.Status, e *rootkeep.Exception, risk int64, changes int) {
			t.Helper()
			f := all(t, s, admin, posture.Filter{RootOnly: true}, posture.ByUrgency)[0]
			if diff := gocmp.Diff(f.Exception, e); f.Status != status || diff != "" {
				t.Errorf("%s: got %s, (-), want %s (+)\n%s", name, f.Status, status, diff)
			}
			view(t, s, func(ctx context.Context, r *store.Reader) error {
				sight, _ := posture.SightOf(ctx, r, admin)
				row, err := posture.AccountOf(ctx, r, sight, alpha)
				if err != nil {
					return err
				}
				list, err := posture.Changes(ctx, r, sight, f.ID, "")
				if row.Summary.Risk != risk || len(list) != changes {
					t.Errorf("%s: got risk %d and %d changes, want %d and %d", name, row.Summary.Risk, len(list), risk, changes)
				}
				return err
			})
		}
		e := &rootkeep.Exception{Owner: "Ada", Reason: "agreed", Until: day1.AddDate(0, 1, 0)}
		expect("before", rootkeep.Fail, nil, 1000, 1)
		apply(e)
		expect("granted", rootkeep.Excepted, e, 0, 2)
		apply(e)
		expect("granted again", rootkeep.Excepted, e, 0, 2)
		apply(nil)
		expect("ended", rootkeep.Fail, nil, 1000, 3)
	})
}

// A viewer of one account learns nothing of another, not even numbers.
func TestNobodySeesBeyondTheirPlace(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		scan(t, s, "SC-1", account(alpha, day1), []string{"RT-01"}, finding(alpha, "RT-01", "root", rootkeep.Fail))
		scan(t, s, "SC-2", account(beta, day1), []string{"RT-01", "US-01"}, finding(beta, "RT-01", "root", rootkeep.Fail), finding(beta, "US-01", "ann", rootkeep.Fail))
		secret := finding(beta, "US-01", "ann", rootkeep.Fail)
		for _, c := range []struct {
			name            string
			actor           people.Actor
			findings, scans int
		}{
			{"of the organization", viewer(people.Everywhere), 3, 2},
			{"of the root of the tree", viewer("ou:r-abcd"), 3, 2},
			{"of one unit", viewer("ou:ou-abcd-11111111"), 1, 1},
			{"of one account", viewer("account:111111111111"), 1, 1},
			{"of an account that was never scanned", viewer("account:333333333333"), 0, 0},
			{"of nothing", people.Actor{ID: "PE-3", Kind: people.Person}, 0, 0},
		} {
			t.Run("a viewer "+c.name, func(t *testing.T) {
				view(t, s, func(ctx context.Context, r *store.Reader) error {
					sight, err := posture.SightOf(ctx, r, c.actor)
					if err != nil {
						return err
					}
					found, _, err := posture.Findings(ctx, r, sight, posture.Filter{}, posture.Page{Sort: posture.ByUrgency, Limit: 10})
					check(t, "findings", len(found), c.findings, err)
					counts, err := posture.Count(ctx, r, sight, posture.Filter{})
					check(t, "counted", counts.Of(rootkeep.Fail), c.findings, err)
					total, err := posture.Sum(ctx, r, sight, posture.AccountFilter{})
					check(t, "accounts", total.Accounts, c.scans, err)
					check(t, "failures of accounts", total.Summary.Counts.Of(rootkeep.Fail), c.findings, err)
					list, _, err := posture.Accounts(ctx, r, sight, posture.AccountFilter{}, posture.Page{Limit: 10})
					check(t, "listed accounts", len(list), c.scans, err)
					scans, _, err := posture.Scans(ctx, r, sight, posture.Page{Limit: 10})
					check(t, "scans", len(scans), c.scans, err)
					units, err := posture.Units(ctx, r, sight)
					check(t, "units", len(units), min(c.scans+1, 3)*min(c.scans, 1), err)
					trend, err := posture.Trend(ctx, r, sight, "", day1, day1)
					fails := 0
					for _, p := range trend {
						fails += p.Summary.Counts.Of(rootkeep.Fail)
					}
					check(t, "trend", fails, c.findings, err)
					changes, err := posture.Changes(ctx, r, sight, "", "")
					check(t, "changes", len(changes), c.findings, err)
					if c.scans == 2 {
						return nil
					}
					_, err = posture.One(ctx, r, sight, secret.ID())
					_, other := posture.AccountOf(ctx, r, sight, beta)
					_, third := posture.ScanOf(ctx, r, sight, "SC-2")
					hidden, err2 := posture.Trend(ctx, r, sight, beta, day1, day1)
					for _, err := range []error{err, other, third} {
						if !errors.Is(err, store.ErrNotFound) {
							t.Errorf("what is out of sight: got %v, want not found", err)
						}
					}
					check(t, "trend of another account", len(hidden), 0, err2)
					return nil
				})
			})
		}
	})
}

func check(t *testing.T, what string, got, want int, err error) {
	t.Helper()
	if err != nil || got != want {
		t.Errorf("%s: got %d and %v, want %d", what, got, err, want)
	}
}

func TestFiltersAndOrders(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		low := finding(alpha, "US-02", "100%_sure!", rootkeep.Fail)
		low.Severity = rootkeep.Low
		scan(t, s, "SC-1", account(alpha, day1), []string{"RT-01", "US-01", "US-02"}, finding(alpha, "RT-01", "root", rootkeep.Fail), finding(alpha, "US-01", "Ann", rootkeep.Unknown), low)
		scan(t, s, "SC-2", account(beta, day1.AddDate(0, 0, 1)), []string{"US-01"}, finding(beta, "US-01", "bob", rootkeep.Fail))
		names := func(list []*posture.Finding) string {
			var out []string
			for _, f := range list {
				out = append(out, f.Resource)
			}
			return strings.Join(out, " ")
		}
		for _, c := range []struct {
			name   string
			filter posture.Filter
			order  posture.Sort
			want   string
		}{
			{"root first, then the severe, then the unknown", posture.Filter{}, posture.ByUrgency, "root bob 100%_sure! Ann"},
			{"by account", posture.Filter{}, posture.ByAccount, "root 100%_sure! Ann bob"},
			{"by control", posture.Filter{}, posture.ByControl, "root bob Ann 100%_sure!"},
			{"the oldest first", posture.Filter{Controls: []string{"US-01"}}, posture.ByAge, "Ann bob"},
			{"the newest change first", posture.Filter{Controls: []string{"US-01"}}, posture.ByChange, "bob Ann"},
			{"an account", posture.Filter{Accounts: []rootkeep.AccountID{beta}}, posture.ByUrgency, "bob"},
			{"a unit", posture.Filter{Unit: "ou-abcd-22222222"}, posture.ByUrgency, "bob"},
			{"a unit that would be a pattern", posture.Filter{Unit: "%"}, posture.ByUrgency, ""},
			{"severities", posture.Filter{Severities: []rootkeep.Severity{rootkeep.Low}}, posture.ByUrgency, "100%_sure!"},
			{"statuses", posture.Filter{Statuses: []rootkeep.Status{rootkeep.Unknown, rootkeep.Pass}}, posture.ByUrgency, "Ann"},
			{"root only", posture.Filter{RootOnly: true}, posture.ByUrgency, "root"},
			{"no control of a framework", posture.Filter{Among: []string{}}, posture.ByUrgency, ""},
			{"a text in any case", posture.Filter{Text: "aNN"}, posture.ByUrgency, "Ann"},
			{"a text with the signs of patterns", posture.Filter{Text: "%_SURE!"}, posture.ByUrgency, "100%_sure!"},
			{"a text of such signs that is nowhere", posture.Filter{Text: "_n"}, posture.ByUrgency, ""},
			{"a text with a quote", posture.Filter{Text: "' OR 1=1 --"}, posture.ByUrgency, ""},
			{"a text with NUL", posture.Filter{Text: "\x00"}, posture.ByUrgency, ""},
		} {
			t.Run(c.name, func(t *testing.T) {
				if got := names(all(t, s, admin, c.filter, c.order)); got != c.want {
					t.Errorf("got %q, want %q", got, c.want)
				}
			})
		}
		view(t, s, func(ctx context.Context, r *store.Reader) error {
			sight, _ := posture.SightOf(ctx, r, admin)
			for _, after := range []string{"x", "bnVsbA", "WyJ1cmdlbmN5IiwieCIsInkiLCJ6Il0", "WyJhY2NvdW50IiwiMSIsIjIiLCIzIl0", "WyJ1cmdlbmN5IiwiMSIsIlx1MDAwMCIsInoiXQ"} {
				if _, _, err := posture.Findings(ctx, r, sight, posture.Filter{}, posture.Page{Sort: posture.ByUrgency, After: after, Limit: 1}); !errors.Is(err, posture.ErrCursor) {
					t.Errorf("cursor %q: got %v, want it refused", after, err)
				}
			}
			return nil
		})
	})
}

// Names come from AWS and from files: they are kept without harm, and bounded.
func TestHostileNames(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		for i, name := range []string{"a\x00b", "\xff\xfe", "'; DROP TABLE finding; --", "\u202egnp.exe", strings.Repeat("x", 10_000), ""} {
			f := finding(alpha, "US-01", name, rootkeep.Unknown)
			f.Detail, f.Title, f.Missing = name, name, slices.Repeat([]string{name}, 200)
			snapshot := account(alpha, day1.AddDate(0, 0, i))
			snapshot.Facts.Account.Alias = name
			scan(t, s, fmt.Sprintf("SC-%d", i), snapshot, []string{"US-01"}, f)
			found := all(t, s, admin, posture.Filter{}, posture.ByResource)
			last := found[len(found)-1]
			view(t, s, func(ctx context.Context, r *store.Reader) error {
				sight, _ := posture.SightOf(ctx, r, admin)
				if _, err := posture.One(ctx, r, sight, f.ID()); err != nil {
					t.Errorf("%q: not found by the ID of the finding as it was judged: %v", name, err)
				}
				return nil
			})
			for _, f := range found {
				if len(f.Resource) > 5000 || strings.Contains(f.Resource, "\x00") || len(f.Missing) > 51 {
					t.Errorf("%q: kept as %d bytes and %d reasons", name, len(f.Resource), len(f.Missing))
				}
			}
			if one := all(t, s, admin, posture.Filter{Text: last.Resource}, posture.ByResource); len(one) == 0 {
				t.Errorf("%q: not found by its name", name)
			}
		}
	})
}

func TestDifferenceOfTwoScans(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		controls := []string{"US-01"}
		at := func(day int) *facts.Snapshot { return account(alpha, day1.AddDate(0, 0, day)) }
		f := func(resource string, status rootkeep.Status) rootkeep.Finding {
			return finding(alpha, "US-01", resource, status)
		}
		scan(t, s, "SC-1", at(1), controls, f("fixed", rootkeep.Fail), f("gone", rootkeep.Fail), f("flips", rootkeep.Fail), f("worse", rootkeep.Pass))
		scan(t, s, "SC-2", at(2), controls, f("fixed", rootkeep.Fail), f("gone", rootkeep.Fail), f("flips", rootkeep.Pass), f("worse", rootkeep.Pass))
		scan(t, s, "SC-3", at(3), controls, f("fixed", rootkeep.Pass), f("flips", rootkeep.Fail), f("worse", rootkeep.Fail), f("new", rootkeep.Fail))
		scan(t, s, "SC-4", account(beta, day1), controls)
		view(t, s, func(ctx context.Context, r *store.Reader) error {
			sight, _ := posture.SightOf(ctx, r, admin)
			get := func(id string) *posture.Scan {
				out, err := posture.ScanOf(ctx, r, sight, id)
				if err != nil {
					t.Fatal(err)
				}
				return out
			}
			d, err := posture.Compare(ctx, r, get("SC-1"), get("SC-3"))
			if err != nil {
				return err
			}
			name := func(list []posture.Change) (out []string) {
				for _, c := range list {
					out = append(out, c.Finding.Resource)
				}
				slices.Sort(out)
				return out
			}
			got := [][]string{name(d.New), name(d.Fixed), name(d.Gone), name(d.Unknown), name(d.Other)}
			if diff := gocmp.Diff(got, [][]string{{"new", "worse"}, {"fixed"}, {"gone"}, nil, nil}); diff != "" {
				t.Errorf("got (-), want (+)\n%s", diff)
			}
			d, err = posture.Compare(ctx, r, get("SC-4"), get("SC-3"))
			if len(d.NotCompared) != 2 || len(d.Compared) != 0 {
				t.Errorf("scans of other accounts: got %+v, want nothing compared", d)
			}
			return err
		})
	})
}

func TestAccountsThatAreNotReadAreListed(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		miss := func(scan, state, problem string, accounts ...rootkeep.AccountID) {
			t.Helper()
			update(t, s, func(ctx context.Context, tx *store.Tx) error {
				if err := posture.Start(ctx, tx, posture.Begin{ID: scan, Source: posture.Job, Actor: "PE-1", State: posture.Judging}); err != nil {
					return err
				}
				for _, a := range accounts {
					if err := posture.Miss(ctx, tx, scan, a, "name of "+string(a), state, problem); err != nil {
						return err
					}
				}
				_, err := posture.Finish(ctx, tx, posture.End{ID: scan, Actor: "PE-1"})
				return err
			})
		}
		left := func(actor people.Actor) (out []string) {
			t.Helper()
			view(t, s, func(ctx context.Context, r *store.Reader) error {
				sight, err := posture.SightOf(ctx, r, actor)
				if err != nil {
					return err
				}
				list, err := posture.LeftOut(ctx, r, sight)
				for _, a := range list {
					out = append(out, string(a.ID)+" "+a.Name+": "+a.Problem)
				}
				return err
			})
			return out
		}
		const suspended = "its state is SUSPENDED"
		miss("SC-1", posture.Left, suspended, alpha, beta)
		want := func(a rootkeep.AccountID) string { return string(a) + " name of " + string(a) + ": " + suspended }
		if got := left(admin); !slices.Equal(got, []string{want(alpha), want(beta)}) {
			t.Errorf("two that are suspended: got %v", got)
		}
		if got := left(viewer(people.Scope("account:" + alpha))); len(got) != 1 {
			t.Errorf("who sees one of them: got %v", got)
		}
		miss("SC-2", posture.Unread, "sts:AssumeRole denied", beta)
		scan(t, s, "SC-3", account(alpha, day1), nil)
		if got := left(admin); got != nil {
			t.Errorf("once they were to be read again: got %v, want none", got)
		}
	})
}
