package rootless

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/rootkeep/rootkeep/client"
	"github.com/rootkeep/rootkeep/cmd/rootkeep/cli"
	"github.com/rootkeep/rootkeep/cmd/rootkeep/rootuser/rootrequest"
)

func statusCommand(s cli.Streams) *cobra.Command {
	var f flags
	c := &cobra.Command{
		Use:   "status ID",
		Short: "Say of each account where it is",
		Long: `Status says of every account of a request, and of those that were left out of it, where it
is: waits, working, half-way, deleted, proven, back, ended; refused, holds, left out, not
known. docs/rootless.md says what each word means. Deleted is what was read back when it
was done; proven is what a proof found afterwards.`,
		Example: "  rootkeep root rootless status RR-1KB2Z7Q0MX7F3A",
		Args:    cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return f.with(args[0], func(server *client.Client, id string) error {
				x, err := read(c.Context(), server, id)
				if err != nil {
					return err
				}
				return f.write(s, &x, []int{})
			})
		},
	}
	f.Register(c)
	return c
}

// with checks the ID of a command line, and makes the client.
func (f *flags) with(text string, do func(server *client.Client, id string) error) error {
	id, err := rootrequest.RequestID(text)
	if err != nil {
		return err
	}
	server, err := f.Client()
	if err != nil {
		return err
	}
	return do(server, id)
}

func applyCommand(s cli.Streams) *cobra.Command {
	var f flags
	var a client.RootlessApply
	var wait bool
	c := &cobra.Command{
		Use:   "apply ID",
		Short: "Have the credentials deleted, one account after the other, from where it is",
		Long: `Apply has the server delete the credentials of an open request, in its order. It ends at
the first account that does not end applied, and goes on there when it is asked again; with
--release it goes on without that account, except that canaries are waited for. A server
that dies is followed by another, which reads back before it repeats a call.

With --wait the command waits until the server has ended, and ends with code 1 if an
account is half-way or was not begun. It takes a pass made within the last five minutes.`,
		Example: "  rootkeep root rootless apply RR-1KB2Z7Q0MX7F3A --wait",
		Args:    cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return f.with(args[0], func(server *client.Client, id string) error {
				var x client.RootlessStatus
				_, err := server.Do(c.Context(), client.Call{Method: http.MethodPost, Path: path(id, "/application"), Body: a}, &x)
				if err != nil {
					return rootrequest.Told(err)
				}
				codes := []int{}
				if wait {
					if x, err = follow(c.Context(), s, server, id, func(x *client.RootlessStatus) *client.RootlessWork { return x.Applying }); err != nil {
						return err
					}
					if x.Count["half-way"]+x.Count["waits"]+x.Count["working"] > 0 {
						codes = append(codes, cli.ExitFailed)
					}
				}
				return f.write(s, &x, codes)
			})
		},
	}
	f.Register(c)
	c.Flags().BoolVar(&a.Release, "release", false, "go on without the account that it halted at")
	c.Flags().BoolVar(&wait, "wait", false, "wait until the server has ended")
	return c
}

func proofCommand(s cli.Streams) *cobra.Command {
	var f flags
	c := &cobra.Command{
		Use:   "proof ID",
		Short: "Have the root users of all members read again, and say whether none has credentials",
		Long: `Proof has the server read, in audit sessions of root, what the root user of every member
has: those of the request, those that were left out of it, and those that scans have seen
since. It claims that none has credentials only if every one was read now, and has none;
nothing is taken from memory. The answers are in the ledger as root.audited.

Exit codes: 4 if it cannot be claimed; 5 if members could not be read.`,
		Example: "  rootkeep root rootless proof RR-1KB2Z7Q0MX7F3A --output json",
		Args:    cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return f.with(args[0], func(server *client.Client, id string) error {
				var asked client.RootlessStatus
				if _, err := server.Do(c.Context(), client.Call{Method: http.MethodPost, Path: path(id, "/proof")}, &asked); err != nil {
					return rootrequest.Told(err)
				}
				x, err := follow(c.Context(), s, server, id, func(x *client.RootlessStatus) *client.RootlessWork { return x.Proving })
				if err != nil {
					return err
				}
				return f.write(s, &x, proofCodes(&asked, &x))
			})
		},
	}
	f.Register(c)
	return c
}

// proofCodes are the exit codes that apply. What the server claims is not believed against
// its own numbers, nor of an earlier proof.
func proofCodes(asked, x *client.RootlessStatus) []int {
	p := x.Proof
	if p == nil || asked.Proving == nil || p.Asked.Before(asked.Proving.Asked) {
		return []int{cli.ExitNoCoverage}
	}
	codes := []int{}
	if !p.Claim || p.Members == 0 || p.Absent != p.Members {
		codes = append(codes, cli.ExitNoCoverage)
	}
	if p.Unread > 0 {
		codes = append(codes, cli.ExitUnread)
	}
	return codes
}

func (f *flags) write(s cli.Streams, x *client.RootlessStatus, codes []int) error {
	var err error
	if f.Output == "json" {
		err = cli.WriteJSON(s.Out, struct {
			Schema string `json:"schema"`
			*client.RootlessStatus
			ExitCodes []int `json:"exit_codes"`
		}{"rootkeep/rootless-status/1", x, codes})
	} else {
		err = cli.PrintVisible(s.Out, statusText(x))
	}
	return cmp.Or(err, cli.ExitWith(codes))
}

// statusText is a status for a person.
func statusText(x *client.RootlessStatus) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s is %s: %s\n", x.Request, x.State, counts(x.Count))
	for _, w := range []struct {
		what string
		of   *client.RootlessWork
	}{{"planning", x.Planning}, {"applying", x.Applying}, {"proving", x.Proving}} {
		if w.of != nil && w.of.State != "done" {
			fmt.Fprintf(&b, "%s is %s  %s\n", w.what, w.of.State, cli.Visible(w.of.Progress+"  "+w.of.Error))
		}
	}
	for i, l := range x.Accounts {
		turn := "  -"
		if l.Change != "" {
			turn = fmt.Sprintf("%3d", i+1)
		}
		fmt.Fprintf(&b, "%s  %s  %-9s  %s", turn, l.Account, l.Word, cli.Visible(l.Name))
		if !l.Read.IsZero() {
			fmt.Fprintf(&b, "  read %s: %s", stamp(l.Read), cli.Visible(l.Has))
		}
		b.WriteString("\n")
		if l.Why != "" {
			fmt.Fprintf(&b, "       %s\n", cli.Visible(l.Why))
		}
	}
	if x.Proof != nil {
		fmt.Fprintf(&b, "%s (read %s to %s)\n", x.Proof.Words, stamp(x.Proof.Asked), stamp(x.Proof.Ended))
	}
	if x.Next != "" {
		fmt.Fprintf(&b, "Next: %s\n", cli.Visible(x.Next))
	}
	return b.String()
}

// counts says how many accounts are where.
func counts(of map[string]int) string {
	var out []string
	for word, n := range of {
		out = append(out, fmt.Sprintf("%d %s", n, word))
	}
	slices.Sort(out)
	return strings.Join(out, ", ")
}
