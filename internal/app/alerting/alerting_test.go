package alerting_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/alert"
	"github.com/rootkeep/rootkeep/internal/app/alerting"
	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/store/alerts"
	"github.com/rootkeep/rootkeep/internal/store/rootlog"
	"github.com/rootkeep/rootkeep/internal/store/storetest"
)

func write(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestPolicyFile(t *testing.T) {
	p, err := alerting.Policy(write(t, "escalate: {critical: 5m}\nstorm: {most: 7}\n"))
	if err != nil || p.Escalate[rootkeep.Critical] != 5*time.Minute || len(p.Escalate) != 1 || p.Storm.Most != 7 || p.Storm.Within != time.Hour || p.Again != 3 {
		t.Errorf("got %+v, %v, want what it says, and the rest by default", p, err)
	}
	for name, test := range map[string]struct{ text, want string }{
		"a key that nobody knows":  {"escalate: {critical: 5m}\nstorms: {}\n", "file.yaml:2:"},
		"a level that is none":     {"escalate: {worst: 5m}\n", `"worst"`},
		"a time that is none":      {"escalate: {high: soon}\n", "duration"},
		"at once":                  {"escalate: {high: 5s}\n", "a minute or more"},
		"no file at all":           {"", "want one YAML document"},
		"a storm of less than one": {"storm: {most: -1}\n", "want one alert or more"},
	} {
		if _, err := alerting.Policy(write(t, test.text)); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: got %v, want %q", name, err, test.want)
		}
	}
	if _, err := alerting.Policy("no-such-file.yaml"); err == nil {
		t.Error("a file that is not there: got it taken, want it refused")
	}
}

func TestTimePasses(t *testing.T) {
	clock := time.Now().UTC().Truncate(time.Second)
	o := storetest.Options(t)
	o.Now = func() time.Time { return clock }
	s := storetest.Open(t, storetest.SQLite(t), o)
	var told []string
	desk, err := alerting.Desk("", func(rule string) bool { return rule == "trail-stopped" }, func(_ context.Context, _ *store.Tx, c *alerts.Changes) error {
		for _, x := range c.Alerts {
			told = append(told, x.Found.Title+" "+string(x.Act))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	woken := 0
	times := &alerting.Times{Store: s, Desk: desk, Wake: func() { woken++ }, Now: func() time.Time { return clock }, Sources: write(t, "sources: [{name: trail, folder: /srv/trail}]\n")}
	err = s.Update(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		if err := rootlog.KeepHealth(ctx, tx, []rootlog.Health{{Source: "trail", Heard: clock}}); err != nil {
			return err
		}
		return desk.Apply(ctx, tx, clock, []alert.Sighting{{Key: "a", Alert: rootkeep.Alert{ID: "AL-1", Level: rootkeep.Critical, Title: "A trail stopped", Kind: "group", State: "open", Count: 1, First: clock, Last: clock}}})
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct {
		after time.Duration
		want  []string
	}{
		{time.Minute, nil},
		{15 * time.Minute, []string{"Nobody reads the live source trail opened", "A trail stopped escalated"}},
		{0, nil},
		{70 * time.Minute, []string{"A trail stopped escalated", "Nobody reads the live source trail escalated"}},
	} {
		clock, told = clock.Add(step.after), nil
		if err := times.Run(t.Context(), nil, func(string) {}); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(step.want, told); diff != "" {
			t.Errorf("%v later (-want +got):\n%s", step.after, diff)
		}
	}
	if woken == 0 {
		t.Error("nobody was woken to send")
	}
	if !desk.Keeper.Guarded("trail-stopped") || desk.Keeper.Guarded("secrets-read-in-bulk") {
		t.Error("want the rules guarded that the desk was told are")
	}
}
