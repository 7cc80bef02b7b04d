package rules_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/client"
	"github.com/rootkeep/rootkeep/internal/alert"
	"github.com/rootkeep/rootkeep/internal/detect"
	"github.com/rootkeep/rootkeep/internal/people"
	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/store/alerts"
	"github.com/rootkeep/rootkeep/internal/store/storetest"
	"github.com/rootkeep/rootkeep/internal/web/rules"
	"github.com/rootkeep/rootkeep/internal/web/webtest"
)

const hostile = `"><script>alert(1)</script><img src=x onerror=alert(2)>' onmouseover='alert(3)` + "\x1b[2J\u202egnp\u200b\u009b31m\U000e0041"

// loaded are two detections with a word in all that a file says.
func loaded(word string) rules.Loaded {
	return rules.Loaded{
		Detections: []detect.Detection{
			{Name: "recon" + word, Title: "Recon" + word, Level: rootkeep.High, Kind: "event", Tactic: "discovery" + word, Techniques: []rootkeep.Technique{{ID: "T1087" + word}}, File: "own/recon.yaml" + word, Author: word},
			{Name: "root-signin", Title: "Root sign-in", Level: rootkeep.Critical, Kind: "event_count", File: "aws/root.yaml"},
		},
		Problems: []detect.Problem{{File: "own/broken.yaml" + word, Line: 7, Rule: "broken" + word, Msg: "no condition" + word}, {File: "own/old.yaml", Msg: "an old key", Warning: true}},
		OnTrial:  func(name string) bool { return strings.HasPrefix(name, "recon") },
		Guarded:  func(name string) bool { return strings.HasPrefix(name, "root-") },
		Fault:    errors.New("own/half.yaml:3: not YAML" + word),
	}
}

func serve(t *testing.T, s *store.Store, word string) *webtest.Server {
	t.Helper()
	hour := time.Now().Unix() / 3600
	err := s.Update(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		return alerts.AddVolume(ctx, tx, []alert.Volume{
			{Rule: "recon" + word, Hour: hour, Matches: 7, Alerts: 2}, {Rule: "recon" + word, Hour: hour - 6*24, Matches: 3, Alerts: 1}, {Rule: "recon" + word, Hour: hour - 30*24, Matches: 1000},
			{Rule: "root-signin", Hour: hour - 20*24, Matches: 1},
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	area, err := rules.Area(rules.Config{Store: s, Loaded: func() rules.Loaded { return loaded(word) }, Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	actors := webtest.Everyone(time.Now())
	actors["viewer of one"] = webtest.Person("one", time.Now(), people.Grant{Role: people.Viewer, Scope: "account:111122223333"})
	return webtest.Serve(t, s, actors, area)
}

func TestWhatTheCatalogueHolds(t *testing.T) {
	storetest.Each(t, func(t *testing.T, kept *store.Store) {
		s := serve(t, kept, "")
		var got client.RuleCatalogue
		if err := json.Unmarshal([]byte(s.Get("viewer", "/api/v1/rules").Body), &got); err != nil || len(got.Rules) != 2 || len(got.Problems) != 2 {
			t.Fatalf("got %+v, %v, want two rules and two problems", got, err)
		}
		recon, root := got.Rules[0], got.Rules[1]
		if recon.Matches != 10 || recon.Alerts != 3 || len(recon.ByDay) != 7 || recon.ByDay[0] != 3 || recon.ByDay[6] != 7 || !recon.DryRun || recon.Guarded || time.Since(recon.Fired) > 2*time.Hour {
			t.Errorf("got %+v, want 10 matches in seven days, the last of them now", recon)
		}
		if root.Matches != 0 || !root.Guarded || root.DryRun || time.Since(root.Fired) < 19*24*time.Hour || time.Since(root.Fired) > 21*24*time.Hour {
			t.Errorf("got %+v, want none in seven days, and that it matched 20 days ago", root)
		}
		if got.Fault == "" || got.Problems[0].Line != 7 || !got.Problems[1].Warning {
			t.Errorf("got %+v, want the fault and the problems", got)
		}
		var part client.RuleCatalogue
		if err := json.Unmarshal([]byte(s.Get("viewer of one", "/api/v1/rules").Body), &part); err != nil || len(part.Rules) != 2 || part.Rules[0].Matches != 0 || !part.Rules[0].Fired.IsZero() || len(part.Rules[0].ByDay) != 0 {
			t.Errorf("for who reads one account: got %+v, %v, want no volumes", part, err)
		}
	})
}

func TestThePageOfRules(t *testing.T) {
	s := serve(t, webtest.Store(t), "")
	for query, want := range map[string]int{"": 2, "?q=T1087": 1, "?q=nothing": 0, "?level=critical": 1, "?kind=event": 1, "?only=trial": 1, "?only=fired": 1, "?only=silent": 1} {
		got := s.Get("viewer", "/rules"+query)
		if n := strings.Count(got.Body, `<th scope="row" data-label="Rule"`); got.Status != 200 || n != want {
			t.Errorf("%q: got %d with %d rules, want %d", query, got.Status, n, want)
		}
	}
	for _, query := range []string{"?level=worst", "?kind=x", "?only=x", "?q=" + strings.Repeat("x", 300)} {
		if got := s.Get("viewer", "/rules"+query); got.Status != 422 {
			t.Errorf("%.20q: got %d, want 422", query, got.Status)
		}
	}
	got := s.Get("viewer", "/rules").Body
	for _, want := range []string{"on trial", "never suppressed", "own/broken.yaml:7", "not loaded", "the rest is used", "own/half.yaml:3: not YAML", "chart-spark", "/alerts?state=all&amp;muted=all&amp;rule=recon"} {
		if !strings.Contains(got, want) {
			t.Errorf("got no %q", want)
		}
	}
	if part := s.Get("viewer of one", "/rules").Body; strings.Contains(part, "chart-spark") || !strings.Contains(part, "shown to who reads everywhere") {
		t.Error("for who reads one account: got volumes, or no word on why there are none")
	}
}

func TestManyRulesHaveSeveralPages(t *testing.T) {
	many := loaded("")
	many.Detections = nil
	for i := range 120 {
		many.Detections = append(many.Detections, detect.Detection{Name: fmt.Sprintf("rule-%03d", i), Kind: "event", File: "own/many.yaml"})
	}
	area, err := rules.Area(rules.Config{Store: webtest.Store(t), Loaded: func() rules.Loaded { return many }, Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	s := webtest.Serve(t, webtest.Store(t), nil, area)
	path, seen := "/rules?kind=event", 0
	for range 3 {
		body := s.Get("viewer", path).Body
		seen += strings.Count(body, `<th scope="row" data-label="Rule"`)
		before, _, _ := strings.Cut(body, `" rel="next"`)
		path = strings.ReplaceAll(before[strings.LastIndex(before, `"`)+1:], "&amp;", "&")
	}
	if seen != 120 || strings.HasPrefix(path, "/rules") {
		t.Errorf("got %d rules on three pages, then %.40q, want 120 and the end", seen, path)
	}
	if got := s.Get("viewer", "/rules?cursor=x"); got.Status != 422 {
		t.Errorf("a cursor of no list: got %d, want 422", got.Status)
	}
}

// Matches are counted by the hour: a minute would be made up.
func TestWhenARuleMatchedIsAnHour(t *testing.T) {
	s := serve(t, webtest.Store(t), "")
	if body := s.Get("viewer", "/rules").Body; !regexp.MustCompile(`\d{4}-\d\d-\d\d, \d\d:00 to \d\d:00 UTC`).MatchString(body) || strings.Contains(body, ":00:00 UTC") {
		t.Error("got another time than an hour for when a rule last matched")
	}
}

func TestNumbersOfRulesLeadToThem(t *testing.T) {
	s := serve(t, webtest.Store(t), "")
	for _, c := range []struct {
		actor string
		want  []string
		not   string
	}{
		{"viewer", []string{"Matched in 7 days", "/rules?only=fired", "On trial", "/rules?only=trial", "#problems"}, ""},
		{"viewer of one", []string{"On trial"}, "/rules?only=fired"}, // how much a rule found is of all accounts
	} {
		got := s.Get(c.actor, "/rules")
		for _, want := range c.want {
			if got.Status != 200 || !strings.Contains(got.Body, want) {
				t.Errorf("%s: got %d without %q", c.actor, got.Status, want)
			}
		}
		if c.not != "" && strings.Contains(got.Body, c.not) {
			t.Errorf("%s: got a page with %q", c.actor, c.not)
		}
	}
}

func TestHostileRulesStayText(t *testing.T) {
	s := serve(t, webtest.Store(t), hostile)
	for _, path := range []string{"/rules", "/rules?q=" + url.QueryEscape(`<script>alert`)} {
		got := s.Get("viewer", path)
		for _, bad := range []string{"<script>alert", "<img src=x", "' onmouseover", "\x1b", "\u202e", "\u200b", "\u009b", "\U000e0041"} {
			if i := strings.Index(got.Body, bad); i >= 0 || got.Status != 200 {
				t.Errorf("%s: got %d with %q in ...%q", path, got.Status, bad, got.Body[max(0, i-60):min(len(got.Body), max(i, 0)+60)])
			}
		}
	}
}

func TestRulesInABrowser(t *testing.T) {
	s := serve(t, webtest.Store(t), "")
	b := s.Browser(t)
	b.Photograph("viewer", "rules", "/rules")
	hostiles := serve(t, webtest.Store(t), hostile)
	hostiles.Browser(t).Photograph("viewer", "rules-hostile", "/rules")
}
