package posture_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/rootkeep/rootkeep"
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
