package coverage_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/client"
	"github.com/rootkeep/rootkeep/internal/people"
	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/store/rootlog"
	"github.com/rootkeep/rootkeep/internal/store/sight"
	"github.com/rootkeep/rootkeep/internal/store/storetest"
	"github.com/rootkeep/rootkeep/internal/web/coverage"
	"github.com/rootkeep/rootkeep/internal/web/webtest"
)

const (
	one, two, three = "111122223333", "444455556666", "777788889999"
	whole           = 1<<24 - 1
	hostile         = `<script>alert(1)</script>' onmouseover='alert(3)`
)

var now = time.Date(2026, 3, 10, 15, 0, 0, 0, time.UTC)

func day(month time.Month, d int) time.Time { return time.Date(2026, month, d, 0, 0, 0, 0, time.UTC) }

func look(_ context.Context, _ *store.Reader, actor people.Actor) (sight.Sight, error) {
	if actor.May(people.Read, people.Place{}) {
		return sight.All(), nil
	}
	return sight.Of([]rootkeep.AccountID{one}), nil
}

// serve is a server that knows of two accounts: of one a day is proven and half of the next,
// and hours more of two Regions; of two the same day, and another year.
func serve(t *testing.T, s *store.Store) *webtest.Server {
	t.Helper()
	err := s.Update(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		_, err := rootlog.Cover(ctx, tx, "system", []rootlog.Covered{
			{Account: one, Day: day(2, 1), Mask: whole}, {Account: one, Day: day(2, 2), Mask: 1<<12 - 1},
			{Account: one, Region: "us-east-1", Day: day(2, 2), Mask: 7 << 11}, {Account: one, Region: "eu-west-1", Day: day(2, 3), Mask: 1}, {Account: one, Region: hostile, Day: day(2, 3), Mask: 1},
			{Account: two, Day: day(2, 1), Mask: whole}, {Account: two, Day: day(2, 1).AddDate(-1, 0, 0), Mask: whole},
		})
		if err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `INSERT INTO hunt (id, actor, version, taken, started, finished, first, last, events, unread, interrupted, proven, detail, rules, digest, summary)
			VALUES ('HU-1', 'system', '', 0, 0, 0, 0, 0, 1, 0, 0, 0, '', '{}', 'x', $1)`, []byte("{}")); err != nil {
			return err
		}
		_, err = tx.Exec(ctx, `INSERT INTO hunt_account (hunt, account, events, first, last) VALUES ('HU-1', $1, 5, $2, $3)`,
			two, store.Micros(day(2, 1).Add(22*time.Hour)), store.Micros(day(2, 2).Add(90*time.Minute)))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	area, err := coverage.Area(coverage.Config{Store: s, Sight: look, Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	actors := webtest.Everyone(time.Now())
	actors["viewer of one"] = webtest.Person("one", time.Now(), people.Grant{Role: people.Viewer, Scope: "account:" + one})
	return webtest.Serve(t, s, actors, area)
}

func read(t *testing.T, s *webtest.Server, actor, query string) (got client.Coverage) {
	t.Helper()
	answer := s.Get(actor, "/api/v1/coverage"+query)
	if err := json.Unmarshal([]byte(answer.Body), &got); err != nil || answer.Status != 200 {
		t.Fatalf("%s: got %d %.300s, %v", query, answer.Status, answer.Body, err)
	}
	return got
}

func TestWhatIsProvenOfAYear(t *testing.T) {
	storetest.Each(t, func(t *testing.T, kept *store.Store) {
		s := serve(t, kept)
		all := read(t, s, "viewer", "")
		if all.Year != 2026 || len(all.Days) != 31+28+10 || len(all.Accounts) != 2 || len(all.Regions) != 0 {
			t.Fatalf("got %d with %d days and %d accounts, want 2026 up to 10 March, and two", all.Year, len(all.Days), len(all.Accounts))
		}
		for i, want := range map[int]client.CoveredDay{
			30: {Day: day(1, 31), Missing: 48}, 31: {Day: day(2, 1), Proven: 48}, 32: {Day: day(2, 2), Proven: 12, Read: 2, Missing: 34}, 33: {Day: day(2, 3), Missing: 48}, 68: {Day: day(3, 10), Missing: 48},
		} {
			if all.Days[i] != want {
				t.Errorf("got %+v, want %+v", all.Days[i], want)
			}
		}
		hours := int64(69 * 24)
		if all.Accounts[0] != (client.AccountCoverage{Account: one, Proven: 36, Missing: hours - 36}) || all.Accounts[1] != (client.AccountCoverage{Account: two, Proven: 24, Read: 2, Missing: hours - 26}) {
			t.Errorf("got %+v, want 36 and 24 hours proven", all.Accounts)
		}
		of := read(t, s, "viewer", "?account="+one)
		if of.Days[32] != (client.CoveredDay{Day: day(2, 2), Proven: 12, Partly: 2, Missing: 12}) || of.Days[33].Partly != 1 {
			t.Errorf("got %+v, %+v, want the hours of single Regions beside those of all", of.Days[32], of.Days[33])
		}
		if len(of.Regions) != 3 || of.Regions[2] != (client.RegionCoverage{Region: "us-east-1", Proven: 38}) {
			t.Errorf("got %+v, want three Regions", of.Regions)
		}
		if before := read(t, s, "viewer", "?year=2025"); len(before.Days) != 365 || before.Accounts[1].Proven != 24 {
			t.Errorf("2025: got %d days, %+v", len(before.Days), before.Accounts)
		}
		if part := read(t, s, "viewer of one", ""); len(part.Accounts) != 1 || part.Days[31].Proven != 24 {
			t.Errorf("for who reads one account: got %+v", part.Accounts)
		}
	})
}

func TestThePageOfCoverage(t *testing.T) {
	s := serve(t, webtest.Store(t))
	for query, want := range map[string]int{"": 200, "?account=" + one: 200, "?year=2025": 200, "?account=" + three: 200, "?account=12": 422, "?year=1999": 422, "?year=2027": 422, "?year=x": 422, "?year=99999999999999999999": 422} {
		if got := s.Get("viewer", "/coverage"+query); got.Status != want {
			t.Errorf("%q: got %d, want %d", query, got.Status, want)
		}
	}
	if got := s.Get("viewer of one", "/coverage?account="+two); got.Status != 404 {
		t.Errorf("of another account: got %d, want 404", got.Status)
	}
	got := s.Get("viewer", "/coverage?account="+one).Body
	for _, want := range []string{"chart-grid", "24 of 24 hours proven", "12 of 24 hours proven, 2 more in single Regions", "no such day", "not yet", "not known", "us-east-1", "2.1 %"} {
		if !strings.Contains(got, want) {
			t.Errorf("got no %q", want)
		}
	}
	if strings.Contains(got, "<script>alert") || strings.Contains(got, "100 %") {
		t.Error("got what a Region is named as markup, or a year that is proven")
	}
	if got := s.Get("viewer", "/coverage?account="+three).Body; !strings.Contains(got, "not known") || strings.Contains(got, "of 24 hours proven, ") || strings.Contains(got, "100 %") {
		t.Error("of an account that nothing is known of: want that it is not known")
	}
}

func TestCoverageInABrowser(t *testing.T) {
	b := serve(t, webtest.Store(t)).Browser(t)
	b.Photograph("viewer", "coverage", "/coverage")
	b.Photograph("viewer", "coverage-account", "/coverage?account="+one)
}
