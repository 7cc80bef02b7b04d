package serve

import (
	"context"
	"fmt"
	"maps"
	"net/http/httptest"
	"net/url"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/access"
	"github.com/rootkeep/rootkeep/internal/access/reconcile"
	"github.com/rootkeep/rootkeep/internal/app/demo"
	cases "github.com/rootkeep/rootkeep/internal/incident"
	"github.com/rootkeep/rootkeep/internal/store"
	stored "github.com/rootkeep/rootkeep/internal/store/access"
	"github.com/rootkeep/rootkeep/internal/store/incident"
	"github.com/rootkeep/rootkeep/internal/store/rootlog"
	"github.com/rootkeep/rootkeep/internal/store/sight"
)

// TestTheDemonstrationTellsOfRoot has the story of uses of root pass, without scans and
// hunts.
func TestTheDemonstrationTellsOfRoot(t *testing.T) {
	world, err := demo.New(1, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	aws := httptest.NewServer(world)
	defer aws.Close()
	h := dwell(t, Settings{}, world.Now)
	h.url = &url.URL{Scheme: "http", Host: "localhost"}
	s, err := h.hire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := world.Live(t.Context(), demo.History{Folder: t.TempDir(), Root: s}); err != nil {
		t.Fatal(err)
	}
	err = h.store.View(t.Context(), func(ctx context.Context, r *store.Reader) error {
		requests, err := h.root.List(ctx, r, visitor, stored.Filter{Limit: 10}, h.now())
		if err != nil {
			return err
		}
		got := map[string]string{}
		for _, x := range requests {
			got[x.Asked.Task] = fmt.Sprint(x.Asked.Kind, " ", x.State, " ", x.Outcome)
		}
		want := map[string]string{
			"tax-invoices":  fmt.Sprint(access.Use, " ", stored.Closed, " ", reconcile.Used),
			"drill-sign-in": fmt.Sprint(access.Drill, " ", stored.Closed, " ", reconcile.Used),
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("requests (-want +got):\n%s", d)
		}
		events, err := rootlog.Events(ctx, r, sight.All(), rootlog.EventFilter{Limit: 100})
		if err != nil {
			return err
		}
		verdicts := map[rootkeep.Verdict]int{}
		for _, e := range events {
			verdicts[e.Verdict]++
		}
		if got := slices.Sorted(maps.Keys(verdicts)); !slices.Equal(got, []rootkeep.Verdict{rootkeep.Drill, rootkeep.Explained, rootkeep.Unexplained}) {
			t.Errorf("got verdicts %v, want some explained, some of a drill, and those of the stranger", verdicts)
		}
		list, err := incident.List(ctx, r, sight.All(), incident.Filter{Limit: 10})
		for _, c := range list {
			if c.Account == world.Account("management") || c.State != cases.Open {
				t.Errorf("got case %s of %s, %s: %s; want none of what was asked for, and none closed", c.ID, c.Account, c.State, c.Title)
			}
		}
		if len(list) == 0 || list[0].Severity != rootkeep.Critical || list[0].Owner != s.Esi.ID {
			t.Errorf("got cases %+v, want the stranger's, critical, and taken", list)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
