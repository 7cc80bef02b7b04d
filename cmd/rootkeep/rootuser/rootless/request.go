package rootless

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/spf13/cobra"

	"github.com/rootkeep/rootkeep/client"
	"github.com/rootkeep/rootkeep/cmd/rootkeep/cli"
	"github.com/rootkeep/rootkeep/cmd/rootkeep/rootuser/rootrequest"
)

func requestCommand(s cli.Streams) *cobra.Command {
	var f flags
	var q choice
	var ask client.RootlessAsk
	var from, until cli.Moment
	var set []string
	from.Now, until.Now = time.Now, time.Now
	c := &cobra.Command{
		Use:   "request --justification TEXT",
		Short: "Ask for root over all members at once, to delete their credentials",
		Long: `Request has the server read every account and plan the deletion in it, and then asks for
root once, over all of them: whoever approves the request approves these plans, and nothing
is deleted before. Accounts that refuse, such as one with an access key that was used
lately, are left out, and named. It waits until the request is there; when it is
interrupted, the server goes on. It takes a pass of a person.

Exit codes: 5 if accounts were left out of which it is not known what they have.`,
		Example: `  rootkeep root rootless request --justification "Members need no root credentials" --ticket SEC-40 --first 444455556666
  rootkeep root rootless request --accounts 444455556666,777788889999 --param unused_for=30d --justification "The last two"`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if err := q.check(); err != nil {
				return err
			}
			if ask.Justification == "" {
				return cli.Missing(c, "justification")
			}
			var err error
			if ask.Parameters, err = rootrequest.Parameters(set); err != nil {
				return err
			}
			ask.Accounts, ask.First, ask.Management = texts(q.accounts), texts(q.first), q.management
			ask.From, ask.Until = from.Truncate(time.Second), until.Truncate(time.Second)
			return f.request(c.Context(), s, &ask)
		},
	}
	f.Register(c)
	q.register(c)
	fl := c.Flags()
	fl.StringVar(&ask.Justification, "justification", "", "why, and why now: approvers sign it")
	fl.StringVar(&ask.Ticket, "ticket", "", "the ticket that it belongs to")
	fl.Var(&from, "from", "when the window begins, such as 2026-12-01T14:00:00Z (default when all is planned)")
	fl.Var(&until, "until", "when the window is over (default long enough for all accounts)")
	fl.StringArrayVar(&set, "param", nil, "name=value of root-credentials-delete, such as unused_for=30d; may be repeated")
	fl.BoolVar(&ask.Urgent, "urgent", false, "ask even if nobody could approve it: you are about to override it")
	return c
}

func texts(list cli.Accounts) []string {
	var out []string
	for _, id := range list {
		out = append(out, string(id))
	}
	return out
}

func (f *flags) request(ctx context.Context, s cli.Streams, ask *client.RootlessAsk) error {
	server, err := f.Client()
	if err != nil {
		return err
	}
	var x client.RootlessStatus
	if _, err := server.Do(ctx, client.Call{Method: http.MethodPost, Path: "/root/rootless", Body: ask}, &x); err != nil {
		return rootrequest.Told(err)
	}
	if x, err = follow(ctx, s, server, x.Request, func(x *client.RootlessStatus) *client.RootlessWork { return x.Planning }); err != nil {
		return err
	}
	codes := []int{}
	switch {
	case x.State == "planning":
		codes = append(codes, cli.ExitFailed)
	case x.Count["not known"] > 0:
		codes = append(codes, cli.ExitUnread)
	}
	return f.write(s, &x, codes)
}

func path(id, rest string) string {
	return "/root/requests/" + url.PathEscape(id) + "/rootless" + rest
}

func read(ctx context.Context, server *client.Client, id string) (client.RootlessStatus, error) {
	x, err := client.Get[client.RootlessStatus](ctx, server, path(id, ""), nil)
	return x, rootrequest.Told(err)
}

// pause is how often a command that waits asks.
const pause = 500 * time.Millisecond

// follow waits until a piece of work of a request is over, and tells how far it is.
func follow(ctx context.Context, s cli.Streams, server *client.Client, id string, of func(*client.RootlessStatus) *client.RootlessWork) (client.RootlessStatus, error) {
	tick := time.NewTicker(pause)
	defer tick.Stop()
	draw, clear := line(s)
	defer clear()
	for {
		x, err := read(ctx, server, id)
		w := of(&x)
		if err == nil && w.Over() {
			return x, nil
		}
		if err == nil {
			draw(w)
			select {
			case <-tick.C:
				continue
			case <-ctx.Done():
				err = ctx.Err()
			}
		}
		return x, fmt.Errorf("%s goes on without this command: %w; hint: rootkeep root rootless status %s", id, err, id)
	}
}

// line draws on the terminal how far a piece of work is, if standard error is one.
func line(s cli.Streams) (draw func(*client.RootlessWork), clear func()) {
	width, ok := cli.TerminalWidth(s.Err)
	if !ok {
		return func(*client.RootlessWork) {}, func() {}
	}
	draw = func(w *client.RootlessWork) {
		text := []rune(cli.Visible(w.State + "  " + w.Progress + "  " + w.Error))
		fmt.Fprintf(s.Err, "\r%s\x1b[K", string(text[:min(len(text), max(width-1, 0))]))
	}
	return draw, func() { fmt.Fprint(s.Err, "\r\x1b[K") }
}
