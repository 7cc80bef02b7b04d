package alerts

import (
	"context"
	"database/sql"
	"strings"
	"testing"

	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/store/storetest"
)

// Alerts that ended with their case are more with each year, and are looked through each minute.
func TestWhatIsRevivedIsFoundByItsCase(t *testing.T) {
	s := storetest.Open(t, storetest.SQLite(t), storetest.Options(t))
	var plan []string
	err := s.View(t.Context(), func(ctx context.Context, r *store.Reader) error {
		return store.Each(ctx, r, func(rows *sql.Rows) error {
			var id, parent, unused int
			var detail string
			err := rows.Scan(&id, &parent, &unused, &detail)
			plan = append(plan, detail)
			return err
		}, `EXPLAIN QUERY PLAN SELECT a.id FROM alert a`+revived)
	})
	if err != nil {
		t.Fatal(err)
	}
	got := strings.Join(plan, "\n")
	for _, want := range []string{"SEARCH a USING INDEX alert_incident (incident=?)", "SEARCH i USING INDEX incident_state (state=?)"} {
		if !strings.Contains(got, want) {
			t.Errorf("got the plan\n%s\nwant %q", got, want)
		}
	}
}
