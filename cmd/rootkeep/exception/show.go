package exception

import (
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/rootkeep/rootkeep/client"
	"github.com/rootkeep/rootkeep/cmd/rootkeep/cli"
)

func showCommand(s cli.Streams) *cobra.Command {
	var f flags
	c := &cobra.Command{
		Use:   "show ID",
		Short: "Show an exception: who has to approve it, and who did",
		Long: `Show prints what was asked for, which approvals it needs, and every signature. JSON has
the documents whose SHA-256 was signed as well.`,
		Example: "  rootkeep exception show EX-1KB2Z7Q0MX7F3A",
		Args:    cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			id, err := requestID(args[0])
			if err != nil {
				return err
			}
			server, err := f.Client()
			if err != nil {
				return err
			}
			x, err := client.Get[client.ExceptionDetail](c.Context(), server, path(id), nil)
			if err != nil {
				return err
			}
			if f.Output == "json" {
				return cli.WriteJSON(s.Out, struct {
					Schema string `json:"schema"`
					client.ExceptionDetail
				}{"rootkeep/exception-detail/1", x})
			}
			return cli.PrintVisible(s.Out, detail(&x))
		},
	}
	f.Register(c)
	return c
}

func detail(x *client.ExceptionDetail) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s  %s\n%s", cli.Visible(x.ID), cli.Visible(state(&x.Exception)), facts(&x.Exception))
	for _, n := range x.Needs {
		by := "nobody yet"
		if len(n.By) > 0 {
			by = strings.Join(n.By, ", ")
		}
		fmt.Fprintf(&b, "Needs %d of %s\n", n.Count, cli.Visible(n.Name+" ("+n.Group+"): "+by))
	}
	for _, a := range x.Approvals {
		void := ""
		switch {
		case a.Version != x.Version:
			void = ", void: the request was edited since"
		case !a.Counts:
			void = ", void: the key was revoked since"
		}
		fmt.Fprintf(&b, "%s  %s by %s with the key %s%s\n", a.At.Format(time.RFC3339), map[string]string{"approve": "approved", "deny": "denied"}[a.Decision], cli.Visible(a.Approver), cli.Visible(a.Fingerprint), void)
	}
	return b.String()
}
