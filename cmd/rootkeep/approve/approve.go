// Package approve is rootkeep approve: requests of every kind that security keys decide,
// over the API of a server, and approvals checked with no server at all.
package approve

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/rootkeep/rootkeep/client"
	"github.com/rootkeep/rootkeep/cmd/rootkeep/cli"
	"github.com/rootkeep/rootkeep/internal/approval"
)

// Command is rootkeep approve.
func Command(s cli.Streams) *cobra.Command {
	var f cli.ServerFlags
	var noBrowser, print bool
	c := &cobra.Command{
		Use:   "approve ID",
		Short: "Open the page where a request is approved with a security key, or print what is signed",
		Long: `Approve opens the request in the browser, on the server's own address: a security key
signs for no other. Nothing is approved by this command itself. It takes the ID of a
request of any kind.

With --print-statement it prints the statement that the browser of yours was given to
sign, recomputed here from the request: compare its SHA-256 with the one on the page,
from a machine other than the one with the browser. It takes a pass of yours.`,
		Example: `  rootkeep approve EX-1KB2Z7Q0MX7F3A
  rootkeep approve EX-1KB2Z7Q0MX7F3A --no-browser
  rootkeep approve EX-1KB2Z7Q0MX7F3A --print-statement
  rootkeep approve verify approval.json --url https://rootkeep.example.com`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			id, err := requestID(args[0])
			if err != nil {
				return err
			}
			if err := cli.OutputIs(f.Output); err != nil {
				return err
			}
			if print && noBrowser {
				return cli.Usage("--no-browser and --print-statement: want one of them")
			}
			if print {
				return printStatement(c.Context(), s, &f, id)
			}
			server, err := f.Connection.Address()
			if err != nil {
				return err
			}
			return cli.Browse(c.Context(), s, server+path(id), noBrowser)
		},
	}
	f.Register(c)
	c.Flags().BoolVar(&noBrowser, "no-browser", false, "only print the address")
	c.Flags().BoolVar(&print, "print-statement", false, "print the statement that waits for your signature, and its SHA-256")
	c.AddCommand(verifyCommand(s))
	return c
}

// id is the form of a request's ID, which becomes part of addresses.
var id = regexp.MustCompile(`^[A-Z]{2}-[0-9A-Z]{1,40}$`)

func requestID(text string) (string, error) {
	if !id.MatchString(text) {
		return "", cli.Usage("request %q: want its ID, such as EX-1KB2Z7Q0MX7F3A; hint: rootkeep exception list, or rootkeep change status", text)
	}
	return text, nil
}

func path(id string) string { return "/approvals/" + url.PathEscape(id) }

// statement is what --print-statement prints as JSON.
type statement struct {
	Schema    string              `json:"schema"`
	Statement string              `json:"statement"`
	SHA256    string              `json:"sha256"`
	Fields    *approval.Statement `json:"fields"`
	Documents map[string]string   `json:"documents"`
}

// printStatement prints the statement that waits for the signature of the token's owner.
// What the server says of it is not believed: every hash is computed here.
func printStatement(ctx context.Context, s cli.Streams, f *cli.ServerFlags, id string) error {
	server, err := f.Connection.Client()
	if err != nil {
		return err
	}
	given, err := client.Get[client.ApprovalStatement](ctx, server, path(id)+"/statement", nil)
	var p *client.Problem
	if errors.As(err, &p) && p.Status == http.StatusNotFound {
		return fmt.Errorf("no statement about %s waits for the signature of this token's owner; hint: rootkeep approve %s, choose to read it, and run this again before you sign", id, id)
	}
	if err != nil {
		return err
	}
	x, err := client.Get[client.ApprovalRequest](ctx, server, path(id), nil)
	if err != nil {
		return err
	}
	parsed, r, err := recompute(id, given.Statement, x.Documents)
	if err != nil {
		return err
	}
	asked, err := facts(r, x.Documents)
	if err != nil {
		return err
	}
	if f.Output == "json" {
		return cli.WriteJSON(s.Out, statement{"rootkeep/approval-print/1", given.Statement, parsed.Challenge().String(), parsed, map[string]string{
			"request": x.Documents.Request, "subject": x.Documents.Subject, "policy": x.Documents.Policy,
		}})
	}
	return cli.PrintVisible(s.Out, fmt.Sprintf("%s of %s by %s, recomputed from the request:\n%sStatement\n%s\nSHA-256\n%s\n",
		map[approval.Decision]string{approval.Approve: "Approval", approval.Deny: "Denial"}[parsed.Decision], id, parsed.Approver, asked, given.Statement, parsed.Challenge()))
}

// recompute checks that a statement is about the request whose documents are given.
func recompute(id, text string, d client.ApprovalDocuments) (*approval.Statement, *approval.Request, error) {
	s, err := approval.ParseStatement([]byte(text))
	if err != nil {
		return nil, nil, err
	}
	r, err := approval.ParseRequest([]byte(d.Request))
	switch {
	case err != nil:
		return nil, nil, err
	case s.Request != id || r.ID != id || s.Content != r.Hash():
		return nil, nil, fmt.Errorf("the statement is not about request %s as it is now; hint: open it in the browser again", id)
	case s.Account != r.Account || s.Action != r.Action:
		return nil, nil, fmt.Errorf("request %s: the statement names another account or action: do not sign", id)
	case r.Subject != approval.Sum([]byte(d.Subject)):
		return nil, nil, fmt.Errorf("request %s: its subject is not the one whose SHA-256 it holds: do not sign", id)
	case r.Policy != approval.Sum([]byte(d.Policy)) || s.Policy != r.Policy:
		return nil, nil, fmt.Errorf("request %s: its policy is not the one whose SHA-256 it holds: do not sign", id)
	}
	_, err = approval.ParsePolicy([]byte(d.Policy))
	return s, r, err
}

// facts are the lines that say what is asked for, as the documents say it. A subject of a
// kind that this program does not know the fields of is shown whole.
func facts(r *approval.Request, d client.ApprovalDocuments) (string, error) {
	p, err := approval.ParsePolicy([]byte(d.Policy))
	if err != nil {
		return "", err
	}
	lines, rest := [][2]string{{"Action", r.Action}, {"Account", string(r.Account)}}, ""
	if r.Kind == approval.ExceptionKind {
		e, err := approval.ParseException([]byte(d.Subject))
		if err != nil {
			return "", err
		}
		lines = append(lines, exceptionLines(e)...)
	} else {
		var whole bytes.Buffer
		if err := json.Indent(&whole, []byte(d.Subject), "  ", "  "); err != nil {
			return "", fmt.Errorf("request %s: its subject is no JSON: do not sign", r.ID)
		}
		rest = fmt.Sprintf("Subject, a %s of %d bytes (--output json has it to the byte)\n  %s\nSHA-256 of the subject\n%s\n", r.Kind, len(d.Subject), whole.String(), r.Subject)
	}
	lines = append(lines, [][2]string{
		{"Asked by", r.Requester + " at " + r.Created.Format(time.RFC3339)}, {"Open until", r.Expires.Format(time.RFC3339)},
		{"Policy", fmt.Sprintf("%s, version %d: %s", p.ID, p.Version, needs(p))},
	}...)
	var b strings.Builder
	for _, l := range lines {
		fmt.Fprintf(&b, "  %-11s%s\n", l[0], cli.Visible(l[1])) // a line end in a value makes no line
	}
	return b.String() + rest, nil
}

func exceptionLines(e *approval.Exception) [][2]string {
	all := func(s string) string {
		if s == "" {
			return "all"
		}
		return s
	}
	return [][2]string{
		{"Control", e.Control + "  " + e.Title + " (" + e.Severity.String() + ")"}, {"Region", all(string(e.Region))}, {"Resource", all(e.Resource)},
		{"Owner", e.Owner}, {"Reason", e.Reason}, {"Until", e.Until.Format(time.RFC3339)},
	}
}

// needs says what a policy asks for.
func needs(p *approval.Policy) string {
	out := make([]string, len(p.Require))
	for i, q := range p.Require {
		out[i] = fmt.Sprintf("%d of %s", q.Count, q.Group)
	}
	return strings.Join(out, " and ")
}
