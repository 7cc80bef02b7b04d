package exception

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os/exec"
	"runtime"
	"time"

	"github.com/spf13/cobra"

	"github.com/rootkeep/rootkeep/client"
	"github.com/rootkeep/rootkeep/cmd/rootkeep/cli"
	"github.com/rootkeep/rootkeep/internal/approval"
)

// ApproveCommand is rootkeep approve.
func ApproveCommand(s cli.Streams) *cobra.Command {
	var f flags
	var noBrowser, print bool
	c := &cobra.Command{
		Use:   "approve ID",
		Short: "Open the page where a request is approved with a security key, or print what is signed",
		Long: `Approve opens the request in the browser, on the server's own address: a security key
signs for no other. Nothing is approved by this command itself.

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
				return f.printStatement(c.Context(), s, id)
			}
			server, err := f.Connection.Address()
			if err != nil {
				return err
			}
			return open(c.Context(), s, server+path(id), noBrowser)
		},
	}
	f.Register(c)
	c.Flags().BoolVar(&noBrowser, "no-browser", false, "only print the address")
	c.Flags().BoolVar(&print, "print-statement", false, "print the statement that waits for your signature, and its SHA-256")
	c.AddCommand(verifyCommand(s))
	return c
}

// open prints the address and has the desktop open it.
func open(ctx context.Context, s cli.Streams, address string, printOnly bool) error {
	if err := cli.PrintVisible(s.Out, address+"\n"); err != nil || printOnly {
		return err
	}
	name, args := "xdg-open", []string{address}
	switch runtime.GOOS {
	case "darwin":
		name = "open"
	case "windows":
		name, args = "rundll32", []string{"url.dll,FileProtocolHandler", address}
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	if err := exec.CommandContext(ctx, name, args...).Run(); err != nil {
		fmt.Fprintf(s.Err, "rootkeep: no browser opened (%s); hint: open the address above\n", cli.Visible(err.Error()))
	}
	return nil
}

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
func (f *flags) printStatement(ctx context.Context, s cli.Streams, id string) error {
	server, err := f.Connection.Client()
	if err != nil {
		return err
	}
	given, err := client.Get[client.ExceptionStatement](ctx, server, path(id)+"/statement", nil)
	var p *client.Problem
	if errors.As(err, &p) && p.Status == http.StatusNotFound {
		return fmt.Errorf("no statement about %s waits for the signature of this token's owner; hint: rootkeep approve %s, choose to read it, and run this again before you sign", id, id)
	}
	if err != nil {
		return err
	}
	x, err := client.Get[client.ExceptionDetail](ctx, server, path(id), nil)
	if err != nil {
		return err
	}
	parsed, c, err := recompute(id, given.Statement, x.Documents)
	if err != nil {
		return err
	}
	if f.Output == "json" {
		return cli.WriteJSON(s.Out, statement{"rootkeep/approval-print/1", given.Statement, parsed.Challenge().String(), parsed, map[string]string{
			"request": x.Documents.Request, "subject": x.Documents.Subject, "policy": x.Documents.Policy,
		}})
	}
	return cli.PrintVisible(s.Out, fmt.Sprintf("%s of %s by %s, recomputed from the request:\n%sStatement\n%s\nSHA-256\n%s\n",
		map[approval.Decision]string{approval.Approve: "Approval", approval.Deny: "Denial"}[parsed.Decision], id, parsed.Approver, facts(c), given.Statement, parsed.Challenge()))
}

// recompute checks that a statement is about the request whose documents are given, and
// gives the exception as those documents say it.
func recompute(id, text string, d client.ExceptionDocuments) (*approval.Statement, *client.Exception, error) {
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
	case r.Subject != approval.Sum([]byte(d.Subject)):
		return nil, nil, fmt.Errorf("request %s: its subject is not the one whose SHA-256 it holds: do not sign", id)
	case r.Policy != approval.Sum([]byte(d.Policy)) || s.Policy != r.Policy:
		return nil, nil, fmt.Errorf("request %s: its policy is not the one whose SHA-256 it holds: do not sign", id)
	}
	p, err := approval.ParsePolicy([]byte(d.Policy))
	if err != nil {
		return nil, nil, err
	}
	e, err := approval.ParseException([]byte(d.Subject))
	if err != nil {
		return nil, nil, err
	}
	return s, &client.Exception{
		ExceptionAsk: client.ExceptionAsk{
			Account: string(e.Account), Control: e.Control, Region: string(e.Region), Resource: e.Resource, Owner: e.Owner, Reason: e.Reason, Until: e.Until,
		},
		Title: e.Title, Severity: e.Severity.String(), Requester: r.Requester, Created: r.Created, Expires: r.Expires, Policy: p.ID,
	}, nil
}
