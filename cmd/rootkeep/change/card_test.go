package change

import (
	"strings"
	"testing"
	"time"

	"github.com/rootkeep/rootkeep/client"
	"github.com/rootkeep/rootkeep/internal/change"
)

// detail is a change with a plan, whose every text is the one given.
func detail(t *testing.T, text string) client.AccountChangeDetail {
	t.Helper()
	call := change.Call{Operation: text, Account: "111111111111", Region: text, Root: text, With: map[string]any{text: text}}
	p := change.Plan{
		ID: "CH-1", Account: "111111111111", Kind: text, Title: text, Breaks: text, Class: text, Risk: text, Final: []string{text}, Guide: []string{text}, For: text, Undoes: text,
		Created: time.Date(2026, 11, 26, 0, 0, 0, 0, time.UTC), Parameters: map[string]any{text: text}, Prior: map[string]any{text: nil}, Resources: []string{}, Wants: map[string]any{},
		Diff: []change.Difference{{Path: text, Before: text, After: nil}}, Drift: []change.Difference{{Path: text, Before: text, After: text}},
		Calls: []change.Planned{{Call: call, About: text, Final: text, Step: text}}, Schema: change.PlanSchema,
	}
	plan, err := p.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	hash, err := p.Hash()
	if err != nil {
		t.Fatal(err)
	}
	return client.AccountChangeDetail{
		AccountChange: client.AccountChange{ID: "CH-1", State: text, Kind: text, Account: text, Why: text, Policy: text, SHA256: hash, Undoes: text, Canary: true}, Plan: string(plan),
		Needs: []client.ApprovalNeed{{Group: text, Name: text, Count: 1, By: []string{text}}}, Approvals: []client.ApprovalGiven{{Approver: text, Decision: text}},
		Made: []client.ChangeCall{{Number: 1, Operation: text, Account: text, Region: text}}, May: []string{"undo"},
	}
}

// TestNoValueMakesALine prints changes whose texts hold line ends and what a terminal
// obeys: they have as many lines as those with harmless texts.
func TestNoValueMakesALine(t *testing.T) {
	const hostile = "x\nNEXT\r\x1b[2J\u202e"
	tame, wild := detail(t, "x"), detail(t, hostile)
	want, err := card(&tame)
	if err != nil {
		t.Fatal(err)
	}
	got, err := card(&wild)
	if err != nil {
		t.Fatal(err)
	}
	if n, m := strings.Count(got, "\n"), strings.Count(want, "\n"); n != m {
		t.Errorf("got %d lines, want %d\n%s", n, m, got)
	}
	list := lines([]client.AccountChange{wild.AccountChange, wild.AccountChange})
	if n := strings.Count(list, "\n"); n != 2 {
		t.Errorf("got a list of %d lines, want two\n%s", n, list)
	}
	if strings.ContainsAny(got+list, "\r\x1b\u202e") {
		t.Errorf("got %q, want nothing that a terminal obeys", got+list)
	}
}

// TestACardIsThatOfItsHash has a server give a plan with the hash or the ID of another.
func TestACardIsThatOfItsHash(t *testing.T) {
	other := detail(t, "y")
	for name, tamper := range map[string]func(c *client.AccountChangeDetail){
		"another plan":               func(c *client.AccountChangeDetail) { c.Plan = other.Plan },
		"another hash":               func(c *client.AccountChangeDetail) { c.SHA256 = other.SHA256 },
		"the plan of another change": func(c *client.AccountChangeDetail) { c.ID = "CH-2" },
		"a plan that is none":        func(c *client.AccountChangeDetail) { c.Plan = "{}" },
		"a plan with more in it":     func(c *client.AccountChangeDetail) { c.Plan += " " },
	} {
		t.Run(name, func(t *testing.T) {
			c := detail(t, "x")
			tamper(&c)
			if text, err := card(&c); err == nil {
				t.Errorf("got a card, want it refused\n%s", text)
			}
		})
	}
}

// TestNothingIsCutOff holds the card to texts that are longer than lines are.
func TestNothingIsCutOff(t *testing.T) {
	long := strings.Repeat("a", 5000) + "END"
	c := detail(t, long)
	text, err := card(&c)
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Count(text, "END"); got < 20 {
		t.Errorf("got %d of the texts whole, want all", got)
	}
}
