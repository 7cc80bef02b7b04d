package outbox

import (
	"context"
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/notify"
	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/store/jobs"
)

// Tens of alerts wait for a way when the case comes.
func TestACaseAboutRootIsSentBeforeAlertsThatWait(t *testing.T) {
	o, s := telling(t)
	put := func(n notify.Notice) {
		t.Helper()
		if err := s.Update(t.Context(), func(ctx context.Context, tx *store.Tx) error { return o.Put(ctx, tx, n) }); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 5 {
		put(notify.Notice{ID: fmt.Sprint("NO-A", i), Topic: "alert", Severity: rootkeep.Critical, Title: "Everything", At: time.Now()})
	}
	put(notify.Notice{ID: "NO-R", Topic: unexplainedTopic, Severity: rootkeep.High, Title: "Root signed in", At: time.Now(), Thread: "CS-1"})
	var order []string
	for range 6 {
		j, err := jobs.Keeper{Store: s}.Claim(t.Context(), "a", []string{KindOf("desk")}, time.Minute)
		if err != nil || j == nil {
			t.Fatalf("got job %v, %v", j, err)
		}
		var l letter
		if err := json.Unmarshal(j.Payload, &l); err != nil {
			t.Fatal(err)
		}
		if l.Due.Before(time.Now().Add(-precedence / 2)) {
			t.Errorf("%s is due %v, want when it was put", l.Notice.ID, l.Due)
		}
		order = append(order, l.Notice.ID)
	}
	if order[0] != "NO-R" || order[1] != "NO-A0" || order[5] != "NO-A4" {
		t.Errorf("got %q, want the case first, the others as they were put", order)
	}
}
