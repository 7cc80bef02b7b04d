// Package rootrequest is those commands of rootkeep root that speak to a server: requests
// for root from the question to the record, the events as they arrive, and the claim.
package rootrequest

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"

	"github.com/spf13/cobra"

	"github.com/rootkeep/rootkeep/client"
	"github.com/rootkeep/rootkeep/cmd/rootkeep/cli"
)

// Commands are those below rootkeep root.
func Commands(s cli.Streams) []*cobra.Command {
	return []*cobra.Command{
		requestCommand(s), editCommand(s), listCommand(s), showCommand(s), withdrawCommand(s),
		openCommand(s), answerCommand(s), closeCommand(s), confirmCommand(s),
		overrideCommand(s), reviewCommand(s),
		watchCommand(s), claimCommand(s),
	}
}

// flags are those of every command that speaks to a server.
type flags struct{ cli.ServerFlags }

// ids is the form of a request's ID, which becomes part of addresses.
var ids = regexp.MustCompile(`^RR-[0-9A-Z]{1,40}$`)

// RequestID reads the ID of a request for root from a command line.
func RequestID(text string) (string, error) {
	if !ids.MatchString(text) {
		return "", cli.Usage("request %q: want its ID, such as RR-1KB2Z7Q0MX7F3A; hint: rootkeep root list", text)
	}
	return text, nil
}

// Paths of the API.
const (
	requests = "/root/requests"
	events   = "/root/events"
	tasks    = "/root/tasks"
)

func path(id string) string { return requests + "/" + url.PathEscape(id) }

// begin checks the ID of a command line and makes the client.
func (f *flags) begin(text string) (*client.Client, string, error) {
	id, err := RequestID(text)
	if err != nil {
		return nil, "", err
	}
	server, err := f.Client()
	return server, id, err
}

// detail is a request as it is now, with the ETag that a change of it names.
type detail struct {
	client.RootRequestDetail
	tag string
}

func read(ctx context.Context, server *client.Client, id string) (*detail, error) {
	d := &detail{}
	answer, err := server.Do(ctx, client.Call{Path: path(id)}, &d.RootRequestDetail)
	d.tag = answer.ETag
	return d, Told(err)
}

// act does something to the request that was read, by the name that the API has for it;
// what changed since is refused. It gives the request as it is then.
func (d *detail) act(ctx context.Context, server *client.Client, name string, body any) (*detail, error) {
	_, err := server.Do(ctx, client.Call{Method: http.MethodPost, Path: path(d.ID) + "/" + name, IfMatch: d.tag, Body: body}, nil)
	if err != nil {
		return nil, Told(err)
	}
	return read(ctx, server, d.ID)
}

// shown is a request as JSON.
type shown struct {
	Schema string `json:"schema"`
	client.RootRequestDetail
}

func (d *detail) json(s cli.Streams) error {
	return cli.WriteJSON(s.Out, shown{"rootkeep/root-request-detail/1", d.RootRequestDetail})
}

// tell prints what has become of a request, and what comes next.
func (f *flags) tell(s cli.Streams, x *detail) error {
	if f.Output == "json" {
		return x.json(s)
	}
	text := cli.Visible(x.ID+" is "+x.State) + "\n"
	if then := next(&x.RootRequestDetail); then != "" {
		text += cli.Visible("Next: "+then) + "\n"
	}
	return cli.PrintVisible(s.Out, text)
}

// Told adds to a refusal of the server what to do about it.
func Told(err error) error {
	var p *client.Problem
	if !errors.As(err, &p) {
		return err
	}
	switch p.Type {
	case "/problems/forbidden":
		return fmt.Errorf("%w; hint: this takes a pass of a person with the role, which the console makes under \"Your keys and sessions\"", err)
	case "/problems/needs-key":
		return fmt.Errorf("%w; hint: make a new pass in the console, under \"Your keys and sessions\": it stands for the touch of your key for five minutes", err)
	case "/problems/conflict":
		return fmt.Errorf("%w; hint: read it again with rootkeep root show, somebody else changed it", err)
	}
	return err
}
