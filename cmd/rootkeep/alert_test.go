package main

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/alert"
	"github.com/rootkeep/rootkeep/internal/people"
	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/store/alerts"
	stored "github.com/rootkeep/rootkeep/internal/store/people"
	"github.com/rootkeep/rootkeep/internal/web"
	alertarea "github.com/rootkeep/rootkeep/internal/web/alerts"
	"github.com/rootkeep/rootkeep/internal/web/webtest"
)

// alertServer is a server with three alerts, of which the commands act as Ann, a responder,
// or as a viewer. It gives the IDs of Ann and of Bob.
func alertServer(t *testing.T) (ann, bob string) {
	t.Helper()
	s := webtest.Store(t)
	k, err := alerts.New(alert.Default(), func(rule string) bool { return rule == "root-activity" })
	if err != nil {
		t.Fatal(err)
	}
	actors := tokens{"viewer": {ID: "TK-1", Kind: people.Machine, Grants: []people.Grant{{Role: people.Viewer, Scope: people.Everywhere}}}}
	now := time.Now().UTC().Truncate(time.Second)
	found := func(id, rule string, level rootkeep.Severity) alert.Sighting {
		return alert.Sighting{Key: id, Alert: rootkeep.Alert{
			ID: id, Level: level, Title: "Alert of " + rule + "\x1b[2J", Kind: "group", State: "open", Account: "111122223333", Actor: rootkeep.Actor{Principal: "user/ann\nHistory"},
			Rules: []rootkeep.RuleHit{{Name: rule, Level: level, Guidance: "Call the owner."}}, First: now, Last: now, Count: 3,
			Events: []rootkeep.Event{{Time: now, Name: "StopLogging", Source: "cloudtrail.amazonaws.com", Address: "192.0.2.7"}},
		}}
	}
	err = s.Update(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		for name, id := range map[string]*string{"Ann": &ann, "Bob": &bob} {
			p, err := stored.Add(ctx, tx, "system", name, "")
			if err != nil {
				return err
			}
			*id = p.ID
			if err := stored.Grant(ctx, tx, "system", p.ID, people.Grant{Role: people.Responder, Scope: people.Everywhere}); err != nil {
				return err
			}
			if actors[name], err = stored.ActorOf(ctx, &tx.Reader, p.ID); err != nil {
				return err
			}
		}
		_, err := k.Apply(ctx, tx, tx.Now(), []alert.Sighting{found("AL-1", "trail-stopped", rootkeep.High), found("AL-2", "recon", rootkeep.Low), found("AL-3", "root-activity", rootkeep.Critical)})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	var handler http.Handler
	listener := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { handler.ServeHTTP(w, r) }))
	t.Cleanup(listener.Close)
	u, err := url.Parse(listener.URL)
	if err != nil {
		t.Fatal(err)
	}
	area, err := alertarea.Area(alertarea.Config{Store: s, Desk: &alerts.Desk{Keeper: k}, Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	if handler, err = web.New(web.Config{URL: u, Store: s, Now: time.Now, Areas: []web.Area{area}, Authenticator: actors}); err != nil {
		t.Fatal(err)
	}
	t.Setenv("ROOTKEEP_SERVER", listener.URL)
	t.Setenv("ROOTKEEP_TOKEN", "Ann")
	return ann, bob
}

func TestAlertCommands(t *testing.T) {
	ann, bob := alertServer(t)
	out, _ := runs(t, 0, "alert", "list")
	if lines := strings.Split(strings.TrimSpace(out), "\n"); len(lines) != 3 || !strings.HasPrefix(lines[0], "AL-3  new") || strings.Contains(out, "\x1b") {
		t.Errorf("got\n%s\nwant three lines, the critical one first, without escapes", out)
	}
	out, _ = runs(t, 0, "alert", "list", "--level", "high", "--rule", "trail-stopped", "--state", "open", "--since", "1h", "--output", "json")
	contains(t, out, `"schema": "rootkeep/alert-list/1"`, `"id": "AL-1"`)
	out, _ = runs(t, 0, "alert", "list", "--since", "2099-01-01T00:00:00Z")
	contains(t, out, "no alert")

	out, _ = runs(t, 0, "alert", "ack", "AL-1", "--note", "calling the owner")
	contains(t, out, "AL-1  acknowledged, high", "Owner     "+ann, "acknowledged  "+ann+": calling the owner", "Now       Call the owner.", "cloudtrail StopLogging from 192.0.2.7", `user/ann\x0aHistory`)
	_, errs := runs(t, 1, "alert", "ack", "AL-1")
	contains(t, errs, "is acknowledged")
	out, _ = runs(t, 0, "alert", "assign", "AL-1", "--to", bob)
	contains(t, out, "Owner     "+bob)
	out, _ = runs(t, 0, "alert", "list", "--owner", bob)
	contains(t, out, "AL-1")
	out, _ = runs(t, 0, "alert", "tag", "AL-1", "--add", "team:web", "--add", "triage", "--remove", "triage")
	contains(t, out, "Tags      team:web")
	out, _ = runs(t, 0, "alert", "snooze", "AL-1", "--until", "4h", "--reason", "Bob is on a plane")
	contains(t, out, "AL-1  snoozed", "Bob is on a plane")
	out, _ = runs(t, 0, "alert", "close", "AL-1", "--reason", "a planned change", "--output", "json")
	contains(t, out, `"schema": "rootkeep/alert-detail/1"`, `"state": "closed"`)
	out, _ = runs(t, 0, "alert", "reopen", "AL-1", "--reason", "it was not")
	contains(t, out, "AL-1  new")
	out, _ = runs(t, 0, "alert", "show", "AL-1")
	contains(t, out, "opened", "snoozed", "closed", "reopened")

	t.Setenv("ROOTKEEP_TOKEN", "viewer")
	runs(t, 0, "alert", "show", "AL-1")
	_, errs = runs(t, 1, "alert", "close", "AL-1", "--reason", "x")
	contains(t, errs, "not allowed at this account", "the role responder")
	_, errs = runs(t, 1, "alert", "show", "AL-9")
	contains(t, errs, "there is no such thing")
}

func TestSuppressionCommands(t *testing.T) {
	ann, _ := alertServer(t)
	out, _ := runs(t, 0, "alert", "suppressions")
	contains(t, out, "no suppression")
	_, errs := runs(t, 1, "alert", "suppress", "--rule", "root-activity", "--expires", "7d", "--reason", "noise")
	contains(t, errs, "never suppressed")
	_, errs = runs(t, 1, "alert", "suppress", "--rule", "recon", "--expires", "91d", "--reason", "noise")
	contains(t, errs, "within 90 days")
	out, _ = runs(t, 0, "alert", "suppress", "--rule", "recon", "--account", "111122223333", "--addresses", "192.0.2.0/24", "--expires", "30d", "--reason", "the auditors' scanner")
	contains(t, out, "hid 0", ann, "rule recon, account 111122223333, addresses 192.0.2.0/24: the auditors' scanner")
	id := regexp.MustCompile(`SU-[0-9A-Z]+`).FindString(out)
	out, _ = runs(t, 0, "alert", "suppressions", "--output", "json")
	contains(t, out, `"schema": "rootkeep/suppression-list/1"`, id, `"active": true`)
	out, _ = runs(t, 0, "alert", "unsuppress", id)
	contains(t, out, id, "ended")
	_, errs = runs(t, 1, "alert", "unsuppress", id)
	contains(t, errs, "hides nothing any more")
	out, _ = runs(t, 0, "alert", "suppressions")
	contains(t, out, "no suppression")
	out, _ = runs(t, 0, "alert", "suppressions", "--ended")
	contains(t, out, id)

	t.Setenv("ROOTKEEP_TOKEN", "viewer")
	_, errs = runs(t, 1, "alert", "suppress", "--rule", "recon", "--expires", "7d", "--reason", "noise")
	contains(t, errs, "a person does, who answers for it")
}
