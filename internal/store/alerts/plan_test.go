package alerts

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"testing"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/store/storetest"
)

// Alerts and events of root are more with each year, and are looked through each minute or with
// each change: what is wanted is found by an index of few.
func TestWhatIsLookedForOftenIsFoundByAnIndex(t *testing.T) {
	s := storetest.Open(t, storetest.SQLite(t), storetest.Options(t))
	for _, test := range []struct {
		name, statement string
		args            []any
		want            []string
	}{
		{"what is revived, by its case", `SELECT ` + columns + ` FROM alert a` + revived + ` LIMIT 200`, nil, []string{"SEARCH a USING INDEX alert_incident (incident=?)", "SEARCH i USING INDEX incident_state (state=?)"}},
		{"what follows its case, among what is open", `SELECT ` + columns + ` FROM alert a` + followed + ` LIMIT 200`, nil, []string{"SCAN a USING INDEX alert_followed\n", "USING INDEX sqlite_autoindex_incident_1 (id=?)"}},
		{"what escalates, by when it is due", `SELECT ` + columns + ` FROM alert a` + overdue + ` LIMIT 200`, []any{1}, []string{"SEARCH a USING INDEX alert_due (due>? AND due<?)"}},
		{"new verdicts, by when they were given", newlyJudged, []any{1}, []string{"SEARCH root_event USING INDEX root_event_judged (judged>?)"}},
		{"the case of an alert, by its events", telling, []any{"111122223333", 1, 2, mostEvents}, []string{
			"SEARCH e USING COVERING INDEX root_event_account (account=? AND at>? AND at<?)", "SEARCH h USING INDEX incident_event_event (event=?)", "SEARCH i USING INDEX sqlite_autoindex_incident_1 (id=?)",
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			var plan strings.Builder
			err := s.View(t.Context(), func(ctx context.Context, r *store.Reader) error {
				return store.Each(ctx, r, func(rows *sql.Rows) error {
					var id, parent, unused int
					var detail string
					err := rows.Scan(&id, &parent, &unused, &detail)
					plan.WriteString(detail + "\n")
					return err
				}, `EXPLAIN QUERY PLAN `+test.statement, test.args...)
			})
			if err != nil {
				t.Fatal(err)
			}
			for _, want := range test.want {
				if !strings.Contains(plan.String(), want) {
					t.Errorf("got the plan\n%swant %q", plan.String(), want)
				}
			}
		})
	}
}

// A flood of events costs each change of their alert no more than what is compared with it.
func TestTheCaseOfAnAlertIsLookedForAmongSoManyEvents(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		f := rootkeep.Alert{Account: "111122223333", First: store.Time(1), Last: store.Time(mostEvents + 1)}
		err := s.Touch(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.Exec(ctx, fmt.Sprintf(`INSERT INTO root_event (id, event, account, at, region, kind, target, data, arrived, delivered, sources, verdict, rule, why, request, session, judged)
				WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i <= %d)
				SELECT 'RU-' || i, 'e' || i, '111122223333', i, 'us-east-1', 'failed-sign-in', '', $1, 0, 1, '', '', '', '', '', '', 0 FROM n`, mostEvents), []byte("{}"))
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		for _, step := range []struct {
			id    string
			event int
			want  string
		}{{"CS-A", mostEvents + 1, ""}, {"CS-B", mostEvents, "CS-B"}} {
			err := s.Touch(t.Context(), func(ctx context.Context, tx *store.Tx) error {
				_, err := tx.Exec(ctx, `INSERT INTO incident (id, revision, cause, state, severity, account, title, request, owner, opened, closed, reason)
					VALUES ($1, 1, $1, 'open', 3, '111122223333', '', '', '', 1, 0, '')`, step.id)
				if err == nil {
					_, err = tx.Exec(ctx, `INSERT INTO incident_event (incident, event, added) VALUES ($1, $2, 1)`, step.id, fmt.Sprint("RU-", step.event))
				}
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
			var got string
			err = s.View(t.Context(), func(ctx context.Context, r *store.Reader) (err error) {
				got, _, err = caseOf(ctx, r, &f)
				return err
			})
			if err != nil || got != step.want {
				t.Errorf("event %d of a case: got case %q, %v, want %q", step.event, got, err, step.want)
			}
		}
	})
}
