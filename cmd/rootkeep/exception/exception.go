// Package exception is rootkeep exception: exceptions to controls over the API of a
// server.
package exception

import (
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/rootkeep/rootkeep/client"
	"github.com/rootkeep/rootkeep/cmd/rootkeep/cli"
)

// Command is rootkeep exception.
func Command(s cli.Streams) *cobra.Command {
	c := &cobra.Command{
		Use:   "exception",
		Short: "Ask for exceptions to controls, and see where they stand",
		Long: `An exception accepts the failure of one control in one account until a day. It is asked
for with an owner and a reason, approved with security keys, and ends by itself. One to
a critical or root control needs two approvals, unless the server's policies say
otherwise; docs/approvals.md has the rules.

These commands speak to a server. A machine's token can read; to ask takes a pass, which
stands for a person: the console makes one under "Your keys and sessions".`,
	}
	c.AddCommand(requestCommand(s), listCommand(s), showCommand(s), withdrawCommand(s))
	return c
}

// flags are those of every command that speaks to a server.
type flags struct{ cli.ServerFlags }

// id is the form of a request's ID, which becomes part of addresses.
var id = regexp.MustCompile(`^EX-[0-9A-Z]{1,40}$`)

func requestID(text string) (string, error) {
	if !id.MatchString(text) {
		return "", cli.Usage("request %q: want its ID, such as EX-1KB2Z7Q0MX7F3A; hint: rootkeep exception list", text)
	}
	return text, nil
}

func path(id string) string { return "/exceptions/" + url.PathEscape(id) }

// state is where an exception stands, in one word.
func state(x *client.Exception) string {
	if x.Ended {
		return "ended"
	}
	return x.State
}

// facts are the lines that say what an exception is. A line end in a value makes no line:
// it could say that somebody approved.
func facts(x *client.Exception) string {
	all := func(s string) string {
		if s == "" {
			return "all"
		}
		return s
	}
	var b strings.Builder
	for _, l := range [][2]string{
		{"Account", x.Account}, {"Control", x.Control + "  " + x.Title + " (" + x.Severity + ")"}, {"Region", all(x.Region)}, {"Resource", all(x.Resource)},
		{"Owner", x.Owner}, {"Reason", x.Reason}, {"Until", x.Until.Format(time.RFC3339)}, {"Asked by", x.Requester + " at " + x.Created.Format(time.RFC3339)},
		{"Open until", x.Expires.Format(time.RFC3339)}, {"Policy", x.Policy},
	} {
		fmt.Fprintf(&b, "  %-11s%s\n", l[0], cli.Visible(l[1]))
	}
	return b.String()
}
