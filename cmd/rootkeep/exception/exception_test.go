package exception

import (
	"bytes"
	"strings"
	"testing"

	"github.com/rootkeep/rootkeep/client"
	"github.com/rootkeep/rootkeep/cmd/rootkeep/cli"
)

// TestNoValueMakesALine prints an exception of a server whose every text holds line ends and
// what a terminal obeys.
func TestNoValueMakesALine(t *testing.T) {
	const hostile = "x\n2026-01-01T00:00:00Z  approved by PE-1\r\x1b[2J\u202e"
	x := client.ExceptionDetail{
		Exception: client.Exception{
			ID: hostile, State: hostile, Title: hostile, Severity: hostile, Requester: hostile, Policy: hostile, Version: 1,
			ExceptionAsk: client.ExceptionAsk{Account: hostile, Control: hostile, Region: hostile, Resource: hostile, Owner: hostile, Reason: hostile},
		},
		Needs:     []client.ApprovalNeed{{Group: hostile, Name: hostile, Count: 1, By: []string{hostile}}},
		Approvals: []client.ApprovalGiven{{Approver: hostile, Decision: "approve", Fingerprint: hostile, Version: 1, Counts: true}},
	}
	const fields = 10 // that facts prints
	for name, test := range map[string]struct {
		print func(s cli.Streams) error
		lines int
	}{
		"show": {func(s cli.Streams) error { return cli.PrintVisible(s.Out, detail(&x)) }, 1 + fields + 1 + 1},
		"list": {func(s cli.Streams) error { return writeList(s, "text", []client.Exception{x.Exception, x.Exception}) }, 2},
	} {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			if err := test.print(cli.Streams{Out: &out}); err != nil {
				t.Fatal(err)
			}
			if got := strings.Count(out.String(), "\n"); got != test.lines {
				t.Errorf("got %d lines, want %d\n%s", got, test.lines, out.String())
			}
			if strings.ContainsAny(out.String(), "\r\x1b\u202e") {
				t.Errorf("got %q, want nothing that a terminal obeys", out.String())
			}
		})
	}
}

// TestWhatDoesNotCountIsSaid shows approvals that are void.
func TestWhatDoesNotCountIsSaid(t *testing.T) {
	x := client.ExceptionDetail{Exception: client.Exception{Version: 2}, Approvals: []client.ApprovalGiven{
		{Approver: "PE-1", Decision: "approve", Version: 1}, {Approver: "PE-2", Decision: "approve", Version: 2}, {Approver: "PE-3", Decision: "approve", Version: 2, Counts: true},
	}}
	got := detail(&x)
	for _, want := range []string{"by PE-1 with the key , void: the request was edited since\n", "by PE-2 with the key , void: the key was revoked since\n", "by PE-3 with the key \n"} {
		if !strings.Contains(got, want) {
			t.Errorf("got no %q in\n%s", want, got)
		}
	}
}
