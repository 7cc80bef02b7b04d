package change

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/rootkeep/rootkeep/client"
	"github.com/rootkeep/rootkeep/cmd/rootkeep/cli"
	"github.com/rootkeep/rootkeep/internal/app/kinds"
)

// flags are those of every command that speaks to a server.
type flags struct{ cli.ServerFlags }

// Forms of IDs, which become part of addresses.
var (
	changeIDs = regexp.MustCompile(`^CH-[0-9A-Z]{1,40}$`)
	batchIDs  = regexp.MustCompile(`^CB-[0-9A-Z]{1,40}$`)
	hashes    = regexp.MustCompile(`^[0-9a-f]{64}$`)
)

func changeID(text string) (string, error) {
	if !changeIDs.MatchString(text) {
		return "", cli.Usage("change %q: want its ID, such as CH-1KB2Z7Q0MX7F3A; hint: rootkeep change status", text)
	}
	return text, nil
}

func path(id string) string { return "/changes/" + url.PathEscape(id) }

// one is a change as JSON.
type one struct {
	Schema string `json:"schema"`
	client.AccountChange
}

// whole is a change with its plan as JSON.
type whole struct {
	Schema string `json:"schema"`
	client.AccountChangeDetail
}

// tell prints what has become of a change.
func (f *flags) tell(s cli.Streams, c *client.AccountChange, next string) error {
	if f.Output == "json" {
		return cli.WriteJSON(s.Out, one{"rootkeep/change/1", *c})
	}
	text := cli.Visible(c.ID+" is "+c.State) + "\n"
	if c.Why != "" {
		text += "  " + cli.Visible(c.Why) + "\n"
	}
	if next != "" {
		text += next + "\n"
	}
	return cli.PrintVisible(s.Out, text)
}

// show prints a change with its plan.
func (f *flags) show(s cli.Streams, c *client.AccountChangeDetail) error {
	text, err := card(c) // refuses a plan that is not the one it is said to be
	if err != nil {
		return err
	}
	if f.Output == "json" {
		return cli.WriteJSON(s.Out, whole{"rootkeep/change-detail/1", *c})
	}
	return cli.PrintVisible(s.Out, text)
}

// post makes a call about a change.
func post(ctx context.Context, server *client.Client, id, act, ifMatch string, body any) (client.AccountChange, error) {
	var c client.AccountChange
	_, err := server.Do(ctx, client.Call{Method: http.MethodPost, Path: path(id) + "/" + act, IfMatch: ifMatch, Body: body}, &c)
	return c, told(err)
}

// told adds what to do to a refusal of the server, and the reasons that it gives.
func told(err error) error {
	var p *client.Problem
	if !errors.As(err, &p) {
		return err
	}
	switch p.Type {
	case "/problems/forbidden":
		return fmt.Errorf("%w; hint: this takes a pass of a person with the role requester or responder, which the console makes under \"Your keys and sessions\"", err)
	case "/problems/needs-key":
		return fmt.Errorf("%w; hint: make a new pass in the console, under \"Your keys and sessions\": it stands for the touch of your key for five minutes", err)
	}
	return err
}

// Parameters reads --set name=value. Of which type a value is, the kind says.
func Parameters(set []string) (map[string]any, error) {
	out := map[string]any{}
	for _, text := range set {
		name, value, found := strings.Cut(text, "=")
		if _, twice := out[name]; !found || name == "" || twice {
			return nil, cli.Usage("--set %q: want name=value, each name once; hint: rootkeep change show KIND has the names", text)
		}
		out[name] = value
	}
	return out, nil
}

// completeParameters offers the parameters of the kind that the command line names.
func completeParameters(c *cobra.Command) {
	// The error is for an unknown flag, which the tests would show at once.
	_ = c.RegisterFlagCompletionFunc("set", func(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
		return parameterNames(args), cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
	})
}

func parameterNames(args []string) []string {
	catalogue, err := kinds.Load(nil, false)
	if err != nil || len(args) == 0 {
		return nil
	}
	k := catalogue.Find(args[0])
	if k == nil {
		return nil
	}
	var out []string
	for _, name := range slices.Sorted(maps.Keys(k.Parameters)) {
		out = append(out, name+"=\t"+k.Parameters[name].About)
	}
	return out
}

// oneKind wants the name of a kind.
func oneKind(_ *cobra.Command, args []string) error {
	if len(args) != 1 {
		return errors.New("want one kind of change; hint: rootkeep change list")
	}
	return nil
}
