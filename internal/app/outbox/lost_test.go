package outbox

import (
	"context"
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/job"
	"github.com/rootkeep/rootkeep/internal/notify"
	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/store/jobs"
)

// Nobody answers at the address of either way.
func TestAWayThatTakesNothingIsToldByTheOthers(t *testing.T) {
	o, s := tellingBy(t, "quiet: [{below: critical, hours: {from: '00:00', to: '23:59', zone: UTC}}]\n", "desk", "page")
	letters := func(topic string) map[string]*job.Job {
		t.Helper()
		out := map[string]*job.Job{}
		err := s.View(t.Context(), func(ctx context.Context, r *store.Reader) error {
			list, err := jobs.List(ctx, r, jobs.Filter{Kind: Kind, Limit: 100})
			for _, j := range list {
				var l letter
				if err := json.Unmarshal(j.Payload, &l); err != nil {
					return err
				}
				if l.Notice.Topic == topic {
					out[l.Way+" "+l.Notice.ID] = j
				}
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	told := func() []string {
		out := []string{}
		for _, j := range letters(lostTopic) {
			var l letter
			if err := json.Unmarshal(j.Payload, &l); err != nil {
				t.Fatal(err)
			}
			out = append(out, fmt.Sprintf("%s by %s, %s, %s, held %v", l.Notice.Title, l.Way, l.Notice.Severity, l.Notice.Link, j.RunAt.After(time.Now().Add(time.Minute))))
		}
		return out
	}
	for _, id := range []string{"NO-1", "NO-2"} {
		n := notify.Notice{ID: id, Topic: "root-unexplained", Severity: rootkeep.Critical, Title: "Root signed in", At: time.Now(), Link: "https://rootkeep.example.com/incidents/CS-1"}
		if err := s.Update(t.Context(), func(ctx context.Context, tx *store.Tx) error { return o.Put(ctx, tx, n) }); err != nil {
			t.Fatal(err)
		}
	}
	fails := func(j *job.Job, attempt int) {
		t.Helper()
		j.Attempt = attempt
		if err := o.handle(t.Context(), j, func(string) {}); err == nil {
			t.Fatal("the way took it")
		}
	}
	list := letters("root-unexplained")
	for attempt := 1; attempt < tellAfter; attempt++ {
		fails(list["desk NO-1"], attempt)
	}
	if diff := cmp.Diff([]string{}, told()); diff != "" {
		t.Errorf("at first (-want +got):\n%s", diff)
	}
	fails(list["desk NO-1"], tellAfter)
	fails(list["desk NO-2"], notify.MostAttempts)
	want := []string{"Notices do not arrive by the way desk by page, high, https://rootkeep.example.com/notices, held false"}
	if diff := cmp.Diff(want, told()); diff != "" {
		t.Errorf("once it lasts (-want +got):\n%s", diff)
	}
	for _, j := range letters(lostTopic) {
		fails(j, notify.MostAttempts) // the other way is away too: that is told to nobody
	}
	if diff := cmp.Diff(want, told()); diff != "" {
		t.Errorf("if no way takes anything (-want +got):\n%s", diff)
	}
}
