package detector

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rootkeep/rootkeep/cloudtrail"
	"github.com/rootkeep/rootkeep/internal/alert"
	"github.com/rootkeep/rootkeep/internal/detect/live"
	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/store/alerts"
	"github.com/rootkeep/rootkeep/internal/store/sight"
	"github.com/rootkeep/rootkeep/internal/store/storetest"
)

var noon = time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)

const failures = `title: A sign-in fails
name: %[1]s-sign-in-fails
logsource: {product: aws, service: cloudtrail}
detection:
  s: {eventName: ConsoleLogin, responseElements.ConsoleLogin: Failure}
  condition: s
level: low
---
title: Sign-ins fail
name: %[1]s-sign-ins-fail
correlation:
  type: event_count
  rules: [%[1]s-sign-in-fails]
  group-by: [recipientAccountId]
  timespan: 5m
  condition: {gte: %[2]d}
level: high
`

// bench is a detector over a store, with its own rules in a folder.
type bench struct {
	*testing.T
	*Part
	store    *store.Store
	settings Settings
	folder   string // of rules
	file     string // of settings
	told     []string
	n        int
	last     []byte // the last record
	made     *Taken // by the last change
}

func newBench(t *testing.T, s *store.Store) *bench {
	t.Helper()
	b := &bench{T: t, store: s, folder: t.TempDir(), file: filepath.Join(t.TempDir(), "detections.yaml")}
	b.write("ours.yaml", fmt.Sprintf(failures, "our", 5))
	b.settle("rules: [" + filepath.Join(b.folder, "ours.yaml") + "]\nonly_own: true\ndry_run: [trial-*]\n")
	b.open()
	return b
}

func (b *bench) write(name, text string) { b.put(filepath.Join(b.folder, name), text) }

func (b *bench) settle(text string) { b.put(b.file, text) }

// put writes a file whole: half of one may rest for as long as a busy machine lets it.
func (b *bench) put(path, text string) {
	b.Helper()
	unfinished := filepath.Join(b.TempDir(), "file")
	if err := os.WriteFile(unfinished, []byte(text), 0o600); err != nil {
		b.Fatal(err)
	}
	if err := os.Rename(unfinished, path); err != nil {
		b.Fatal(err)
	}
}

// open is what a server does when it starts.
func (b *bench) open() {
	b.Helper()
	var err error
	if b.settings, err = Read(b.file); err != nil {
		b.Fatal(err)
	}
	rules, err := b.settings.Load()
	if err != nil {
		b.Fatal(err)
	}
	keeper, err := alerts.New(alert.Default(), func(string) bool { return false })
	if err != nil {
		b.Fatal(err)
	}
	tell := func(_ context.Context, _ *store.Tx, c *alerts.Changes) error {
		for _, a := range c.Alerts {
			b.told = append(b.told, fmt.Sprintf("%s %s", alert.Rule(&a.Found), a.Act))
		}
		return nil
	}
	d, err := New(Config{Rules: rules, Alerts: keeper, Tell: tell})
	if err != nil {
		b.Fatal(err)
	}
	b.Part = d.Part(0, 1)
}

// fail has sign-ins fail, some seconds after noon.
func (b *bench) fail(seconds ...int) {
	b.Helper()
	var text strings.Builder
	for _, s := range seconds {
		b.n++
		fmt.Fprintf(&text, `{"eventVersion":"1.11","eventID":"e-%d","eventTime":%q,"eventSource":"signin.amazonaws.com","eventName":"ConsoleLogin","awsRegion":"us-east-1",
			"sourceIPAddress":"198.51.100.9","recipientAccountId":"111122223333","userIdentity":{"type":"IAMUser","arn":"arn:aws:iam::111122223333:user/ana","accountId":"111122223333"},
			"responseElements":{"ConsoleLogin":"Failure"}}`+"\n", b.n, noon.Add(time.Duration(s)*time.Second).Format(time.RFC3339))
	}
	b.take(text.String(), noon.Add(10*time.Minute))
}

// take has an object detected, as a watcher does.
func (b *bench) take(text string, complete time.Time) {
	b.Helper()
	var records []Record
	in := cloudtrail.Input{Name: "object.ndjson", Open: func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(text)), nil }}
	_, err := b.Sieve().Read(b.Context(), in, func(_ *cloudtrail.Record, r *Record) error {
		if r != nil {
			r.Raw = bytes.Clone(r.Raw)
			records = append(records, *r)
		}
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}
	b.last = records[len(records)-1].Raw
	err = b.store.Update(b.Context(), func(ctx context.Context, tx *store.Tx) (err error) {
		b.made, err = b.Take(ctx, tx, records, live.Reach{Time: complete, Whole: complete})
		return err
	})
	if err != nil {
		b.Fatal(err)
	}
	b.Kept(b.made)
}

// alerts are the counts of the alerts by rule.
func (b *bench) alerts() map[string]int {
	b.Helper()
	out := map[string]int{}
	err := b.store.View(b.Context(), func(ctx context.Context, r *store.Reader) error {
		list, _, err := alerts.List(ctx, r, sight.All(), alerts.Filter{}, "", 100)
		for _, a := range list {
			out[alert.Rule(&a.Found)] = a.Found.Count
		}
		return err
	})
	if err != nil {
		b.Fatal(err)
	}
	return out
}

func TestAWindowSurvivesARestartAndARuleOfItsNeighbour(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		b := newBench(t, s)
		b.fail(0, 10, 20, 30) // four of five
		b.open()
		b.settle("rules: [" + b.folder + "]\nonly_own: true\ndry_run: [trial-*]\n")
		b.write("trial.yaml", fmt.Sprintf(failures, "trial", 1))
		if _, err := b.reload(b.settings.path); err != nil {
			t.Fatal(err)
		}
		b.fail(40)
		if diff := cmp.Diff(map[string]int{"our-sign-ins-fail": 5, "trial-sign-ins-fail": 1}, b.alerts()); diff != "" {
			t.Errorf("alerts (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff([]string{"our-sign-ins-fail opened"}, b.told); diff != "" {
			t.Errorf("told (-want +got):\n%s", diff)
		}
	})
}

// A change that took too long is undone, and still runs when the next one was made: what it
// leaves in the engine does not count.
func TestAChangeThatWasUndoneLeavesNothingBehind(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		b := newBench(t, s)
		b.fail(0, 10, 20)
		undone := errors.New("undone")
		late := []byte(strings.ReplaceAll(string(b.last), "e-3", "e-late"))
		err := s.Update(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			_, err := b.Take(ctx, tx, []Record{{Object: "late", Raw: late}}, live.Reach{Time: noon, Whole: noon})
			return errors.Join(err, undone)
		})
		if !errors.Is(err, undone) {
			t.Fatal(err)
		}
		b.Kept(b.made)
		b.fail(40)
		if got := b.alerts(); len(got) != 0 {
			t.Errorf("got %v of four sign-ins, want nothing before five", got)
		}
		b.fail(50)
		if got := b.alerts(); got["our-sign-ins-fail"] != 5 {
			t.Errorf("got %v, want all five", got)
		}
	})
}

func TestRulesThatCannotBeUsedLeaveTheOthersAsTheyAre(t *testing.T) {
	b := newBench(t, storetest.Open(t, storetest.SQLite(t), storetest.Options(t)))
	b.settle("rules: [" + b.folder + "]\nonly_own: true\n")
	before := b.current()
	for name, text := range map[string]string{
		"broken.yaml": "title: Half a rule\ndetection: [",
		"ours.yaml":   strings.Replace(fmt.Sprintf(failures, "our", 5), "event_count", "event_sum", 1),
	} {
		was, err := os.ReadFile(filepath.Join(b.folder, name))
		b.write(name, text)
		if _, bad := b.reload(b.settings.path); bad == nil || !strings.Contains(bad.Error(), name) {
			t.Errorf("%s: got %v, want the file named", name, bad)
		}
		if b.current() != before {
			t.Errorf("%s: the rules were replaced", name)
		}
		if err == nil {
			b.write(name, string(was))
		} else if err := os.Remove(filepath.Join(b.folder, name)); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := b.reload(b.settings.path); err != nil || b.current() == before {
		t.Errorf("got %v once they can be used again, want them loaded", err)
	}
}

func TestChangedFilesAreLoadedOnceTheyRest(t *testing.T) {
	b := newBench(t, storetest.Open(t, storetest.SQLite(t), storetest.Options(t)))
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	said, ended := make(chan error, 10), make(chan struct{})
	go func() {
		defer close(ended)
		b.follow(ctx, b.settings, time.Millisecond, func(err error) { said <- err })
	}()
	b.write("ours.yaml", fmt.Sprintf(failures, "their", 5))
	select {
	case err := <-said:
		if err != nil || b.Catalogue()[0].Name != "their-sign-ins-fail" {
			t.Errorf("got %v and %q, want the new rules", err, b.Catalogue()[0].Name)
		}
	case <-time.After(2 * time.Minute):
		t.Error("the changed file was not loaded")
	}
	b.write("ours.yaml", "title: [")
	select {
	case err := <-said:
		if got := b.Standing(); err == nil || got.Fault == nil || got.Detections[0].Name != "their-sign-ins-fail" || got.Guarded("their-sign-ins-fail") || got.OnTrial("their-sign-ins-fail") {
			t.Errorf("got %v and %+v, want the fault, and the rules that hold", err, got)
		}
	case <-time.After(2 * time.Minute):
		t.Error("the broken file was not looked at")
	}
	stop()
	<-ended
}

func TestSettingsThatAreRefused(t *testing.T) {
	for text, want := range map[string]string{
		"only_own: true":     "without rules nothing is detected",
		"dry_run: ['[']":     "dry_run",
		"lateness: 30d":      "lateness",
		"memory: -1":         "memory",
		"rule: [x]":          "docs/watch.md",
		"rules: [/nowhere/]": "nowhere",
	} {
		path := filepath.Join(t.TempDir(), "detections.yaml")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		s, err := Read(path)
		if err == nil {
			_, err = s.Load()
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q in it", text, err, want)
		}
	}
	if _, err := Read(filepath.Join(t.TempDir(), "none.yaml")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v for no file", err)
	}
}

// The shipped detections bring the tactic and the technique of their files, and say which of
// them serve an indicator of the guide.
func TestTheTagsOfADetection(t *testing.T) {
	settings, err := Read("")
	if err != nil {
		t.Fatal(err)
	}
	rules, err := settings.Load()
	if err != nil {
		t.Fatal(err)
	}
	g := generationOf(rules)
	if got := fmt.Sprint(g.tags["access-key-created-for-other"]); got != "[attack.persistence attack.t1098.001 guide]" {
		t.Errorf("got tags %s", got)
	}
	d := &Detector{rules: g}
	if !d.Has("access-key-created-for-other") || d.Has("guardduty/Recon:EC2/Portscan") {
		t.Error("got another answer than that a shipped detection is one, and a finding is none")
	}
	for name, tags := range g.tags {
		if !d.Has(name) {
			t.Errorf("%s is no detection", name)
		}
		for _, tag := range tags {
			if err := alert.CheckTag(tag); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}
