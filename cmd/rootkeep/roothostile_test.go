package main

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/access/reconcile"
	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/store/access"
	persons "github.com/rootkeep/rootkeep/internal/store/people"
	"github.com/rootkeep/rootkeep/internal/store/rootlog"
	"github.com/rootkeep/rootkeep/internal/web/exceptions/exceptionstest"
)

// hostileText is what somebody outside writes into a log: markup, what terminals obey, and
// what turns or hides the letters of a line.
const hostileText = "<script>alert(1)</script>\x1b]0;owned\x07\x1b[2J\u202eevil\u2066\u200b\u200f\u009b31m\x00\r\nEXPLAINED\x7f\xff"

// obeyed are the runes of a text that a terminal does something with but show it.
func obeyed(text string) string {
	return strings.Map(func(r rune) rune {
		if r == '\n' || !unicode.Is(unicode.Bidi_Control, r) && !unicode.IsControl(r) && !unicode.Is(unicode.Cf, r) {
			return -1
		}
		return r
	}, text)
}

// intrudes has a source deliver an event whose every text is hostile.
func (w *rootWorld) intrudes() []string {
	w.t.Helper()
	e := reconcile.Event{}
	for _, s := range []*string{&e.ID, &e.Source, &e.Name, &e.Address, &e.Agent, &e.Error, &e.Principal, &e.MFA, &e.Device, &e.AccessKey, &e.SourceIdentity, &e.Type, &e.Country} {
		*s = hostileText
	}
	e.Time, e.Kind, e.Account, e.Of, e.Region, e.Raw = w.Now(), rootkeep.RootCall, exceptionstest.Account, exceptionstest.Account, hostileText, []byte(`{"eventID":"`+"\x1b[2J\u202e"+`"}`)
	var c *access.Changes
	err := w.Change(w.t, func(ctx context.Context, tx *store.Tx) error {
		touched, err := rootlog.Arrive(ctx, tx, "trail\x1b[2J\u202e", nil, []reconcile.Event{e})
		if err != nil {
			return err
		}
		c, err = access.Judge(ctx, tx, touched)
		return err
	})
	if err != nil || len(c.Cases) != 1 {
		w.t.Fatalf("got %+v, %v, want one case", c, err)
	}
	return c.Cases
}

// Nothing that a log, or somebody who asks, writes is obeyed by the terminal of who reads
// it, or is a line of its own there.
func TestHostileTextsOnTheCommandLine(t *testing.T) {
	w := rootServer(t)
	if err := w.Change(t, func(ctx context.Context, tx *store.Tx) error {
		return errors.Join(persons.Rename(ctx, tx, "system", w.rex.ID, "Rex <b>evil</b>", ""), persons.Rename(ctx, tx, "system", w.gus.ID, "Gus <i>x</i>", ""))
	}); err != nil {
		t.Fatal(err)
	}
	const typed, hidden = `<script>x</script> &amp; '; DROP "`, "\x1b[2J\u202e"
	id := w.asks("--justification", "It is "+typed, "--ticket", "T-"+typed)
	w.approve(id, w.Bob, w.Cid)
	runs(t, 0, "root", "answer", id, "workstation", "--skip", "It is "+typed)
	w.answers(id)
	runs(t, 0, "root", "open", id)
	w.later(time.Minute)
	c := w.intrudes()[0]
	w.as(w.rex)
	runs(t, 0, "incident", "assign", c, "--to", w.rex.ID)
	runs(t, 0, "incident", "note", c, "--text", "It is "+typed)
	runs(t, 0, "incident", "close", c, "--reason", "It is "+typed, "--yes")
	for _, args := range [][]string{
		{"root", "edit", id, "--justification"}, {"root", "answer", id, "workstation", "--skip"}, {"root", "override", id, "--no-browser", "--reason"},
		{"root", "review", id, "--justified", "--text"}, {"incident", "note", c, "--text"}, {"incident", "close", c, "--yes", "--reason"},
	} {
		out, errs := runs(t, 1, append(args, "It is "+hidden)...)
		if bad := obeyed(out + errs); bad != "" || out != "" {
			t.Errorf("rootkeep %s with what cannot be seen: got %q", strings.Join(args, " "), out+errs)
		}
	}
	for _, test := range []struct {
		code int
		args []string
		has  string
	}{
		{0, []string{"root", "list"}, "activate-billing-access"},
		{0, []string{"root", "show", id}, "script>x</script>"},
		{0, []string{"incident", "list"}, c},
		{0, []string{"incident", "show", c}, "script>"},
		{3, []string{"root", "watch", "--for", "1s", "--last", "5"}, "script>"},
		{0, []string{"root", "watch", id, "--for", "1s"}, id},
		{3, []string{"root", "claim", "--from", w.Now().UTC().Format(time.DateOnly), "--to", w.Now().UTC().AddDate(0, 0, 1).Format(time.DateOnly)}, ""},
		{64, []string{"root", "show", "RR-\x1b[2J\u202e"}, ""},
		{64, []string{"incident", "show", "CS-\x1b[2J\u202e"}, ""},
	} {
		t.Run(strings.Join(test.args[:2], " "), func(t *testing.T) {
			out, errs := runs(t, test.code, test.args...)
			if bad := obeyed(out + errs); bad != "" {
				t.Errorf("rootkeep %s writes %q:\n%q", strings.Join(test.args, " "), bad, out+errs)
			}
			if !strings.Contains(out, test.has) {
				t.Errorf("got no %q in\n%s", test.has, out)
			}
			for line := range strings.Lines(out) {
				if strings.HasPrefix(line, "EXPLAINED") {
					t.Errorf("a text begins a line of its own:\n%s", out)
				}
			}
			if test.code == 64 || len(test.args) > 3 {
				return
			}
			out, _ = runs(t, test.code, append(test.args, "--output", "json")...)
			if !json.Valid([]byte(out)) || strings.ContainsAny(out, "\x1b\x07\x00\r") {
				t.Errorf("got JSON that a terminal obeys:\n%q", out)
			}
		})
	}
}
