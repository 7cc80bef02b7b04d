package posture_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/people"
	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/store/posture"
	"github.com/rootkeep/rootkeep/internal/store/storetest"
)

// large is what 180 controls find in an account: 1,000 findings.
func large(id rootkeep.AccountID, failing int) (out []rootkeep.Finding, controls []string) {
	for c := range 180 {
		control := fmt.Sprintf("US-%02d", c)
		controls = append(controls, control)
		for n := range 1 + c%11 {
			f := finding(id, control, fmt.Sprintf("arn:aws:iam::%s:user/user-%d", id, n), rootkeep.Pass)
			if (c+n)%20 < failing {
				f.Status, f.Detail = rootkeep.Fail, "last used 91 days ago"
			}
			out = append(out, f)
		}
	}
	return out, controls
}

// BenchmarkTake takes an organization of 200 accounts, 1,000 findings each, for the first
// time, and again when a twentieth of the findings has changed.
func BenchmarkTake(b *testing.B) {
	const accounts = 10
	s := storetest.Open(b, storetest.SQLite(b), storetest.Options(b))
	run := 0
	take := func(b *testing.B, failing int) {
		run++
		id := fmt.Sprintf("SC-%d", run)
		begin := posture.Begin{ID: id, Source: posture.Job, Actor: "system", State: posture.Judging}
		update(b, s, func(ctx context.Context, tx *store.Tx) error { return posture.Start(ctx, tx, begin) })
		n := 0
		for i := range accounts {
			number := rootkeep.AccountID(fmt.Sprintf("%012d", i))
			findings, controls := large(number, failing)
			n += len(findings)
			p, err := posture.Prepare(posture.Account{Snapshot: account(number, day1.AddDate(0, 0, run)), Findings: findings, Controls: controls})
			if err != nil {
				b.Fatal(err)
			}
			update(b, s, func(ctx context.Context, tx *store.Tx) error { return posture.Take(ctx, tx, id, p) })
		}
		b.ReportMetric(float64(n), "findings/op")
	}
	b.Run("first", func(b *testing.B) {
		for b.Loop() {
			update(b, s, func(ctx context.Context, tx *store.Tx) error {
				_, err := tx.Exec(ctx, `DELETE FROM finding`)
				return err
			})
			take(b, 1)
		}
	})
	b.Run("again", func(b *testing.B) {
		for n := 0; b.Loop(); n++ {
			take(b, 1+n%2)
		}
	})
}

// fillLarge makes accounts with about a thousand findings each, in eight units: one is taken,
// the others are copies of it.
func fillLarge(b *testing.B, s *store.Store, accounts int) {
	b.Helper()
	first := rootkeep.AccountID("000000000000")
	findings, controls := large(first, 3)
	scan(b, s, "SC-1", account(first, day1), controls, findings...)
	for n := 1; n < accounts; n++ {
		id := fmt.Sprintf("%012d", n)
		update(b, s, func(ctx context.Context, tx *store.Tx) error {
			if _, err := tx.Exec(ctx, `INSERT INTO finding (id, account, control, title, severity, status, place, region, resource, detail, missing, permissions, owner, reason, until, first_seen, changed_at, last_seen, search)
				SELECT id || $1, $2, control, title, severity, status, place, region, replace(resource, $3, $4), detail, missing, permissions, owner, reason, until, first_seen, changed_at, last_seen, replace(search, $3, $4)
				FROM finding WHERE account = $5`, fmt.Sprint("-", n), id, string(first), id, string(first)); err != nil {
				return err
			}
			_, err := tx.Exec(ctx, `INSERT INTO account (id, name, alias, path, scan, taken, tried, problem, risk, summary)
				SELECT $1, name, alias, $2, scan, taken, tried, problem, risk, summary FROM account WHERE id = $3`, id, fmt.Sprintf(`["r-abcd","ou-abcd-%08d"]`, n%8), string(first))
			return err
		})
	}
}

// BenchmarkPages asks what the pages of findings ask, of 213,000 findings in 213 accounts:
// the first 50, and how many there are.
func BenchmarkPages(b *testing.B) {
	for name, address := range map[string]func(testing.TB) string{"SQLite": storetest.SQLite, "PostgreSQL": storetest.PostgreSQL} {
		b.Run(name, func(b *testing.B) {
			s := storetest.Open(b, address(b), storetest.Options(b))
			fillLarge(b, s, 213)
			for _, c := range []struct {
				name  string
				actor people.Actor
				f     posture.Filter
				sort  posture.Sort
			}{
				{"text that many hold", admin, posture.Filter{Text: "91 days"}, posture.ByUrgency},
				{"text of one account", admin, posture.Filter{Text: "000000000200:user/user-3"}, posture.ByUrgency},
				{"text that none holds", admin, posture.Filter{Text: "nowhere"}, posture.ByUrgency},
				{"text, in one unit", admin, posture.Filter{Text: "user-3", Unit: "ou-abcd-00000003"}, posture.ByUrgency},
				{"one unit", admin, posture.Filter{Unit: "ou-abcd-00000003"}, posture.ByUrgency},
				{"failures of one unit", admin, posture.Filter{Unit: "ou-abcd-00000003", Statuses: []rootkeep.Status{rootkeep.Fail}}, posture.ByUrgency},
				{"one unit, the newest change first", admin, posture.Filter{Unit: "ou-abcd-00000003"}, posture.ByChange},
				{"one unit, by resource", admin, posture.Filter{Unit: "ou-abcd-00000003"}, posture.ByResource},
				{"who sees one unit", viewer("ou:ou-abcd-00000003"), posture.Filter{}, posture.ByUrgency},
				{"failures, for who sees one unit", viewer("ou:ou-abcd-00000003"), posture.Filter{Statuses: []rootkeep.Status{rootkeep.Fail}}, posture.ByUrgency},
				{"by resource", admin, posture.Filter{}, posture.ByResource},
				{"one status", admin, posture.Filter{Statuses: []rootkeep.Status{rootkeep.Unknown}}, posture.ByUrgency},
			} {
				b.Run(c.name, func(b *testing.B) {
					for b.Loop() {
						view(b, s, func(ctx context.Context, r *store.Reader) error {
							sight, err := posture.SightOf(ctx, r, c.actor)
							if err != nil {
								return err
							}
							if _, _, err := posture.Findings(ctx, r, sight, c.f, posture.Page{Sort: c.sort, Limit: 50}); err != nil {
								return err
							}
							_, err = posture.Count(ctx, r, sight, c.f)
							return err
						})
					}
				})
			}
			b.Run("by control, who sees one unit", func(b *testing.B) {
				for b.Loop() {
					view(b, s, func(ctx context.Context, r *store.Reader) error {
						sight, err := posture.SightOf(ctx, r, viewer("ou:ou-abcd-00000003"))
						if err == nil {
							_, err = posture.ByControls(ctx, r, sight, posture.Filter{})
						}
						return err
					})
				}
			})
		})
	}
}
