package rootrequest

import (
	"fmt"
	"net/url"
	"time"

	"github.com/spf13/cobra"

	"github.com/rootkeep/rootkeep/client"
	"github.com/rootkeep/rootkeep/cmd/rootkeep/cli"
)

func claimCommand(s cli.Streams) *cobra.Command {
	var f flags
	var from, to cli.Moment
	from.Now, to.Now = time.Now, time.Now
	c := &cobra.Command{
		Use:   "claim [--from DAY --to DAY]",
		Short: "Say how often root was used, and whether it may be said that nothing is unexplained",
		Long: `Claim counts the sessions of root in whole days, from the first to before the second one,
and says how much of the time is proven by the log. That root was not used without an
explanation is claimed only if every hour is proven and every event explained.

Exit codes: 3 if a use is unexplained; 4 if it is not proven, or not judged, that there
is none.`,
		Example: "  rootkeep root claim\n  rootkeep root claim --from 2026-11-01 --to 2026-12-01 --output json",
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			server, err := f.Client()
			if err != nil {
				return err
			}
			q := url.Values{}
			for name, m := range map[string]*cli.Moment{"from": &from, "until": &to} {
				if !m.IsZero() {
					q.Set(name, m.Format(time.RFC3339))
				}
			}
			claim, err := client.Get[client.RootClaim](c.Context(), server, "/root/claim", q)
			if err != nil {
				return Told(err)
			}
			return f.claim(s, &claim)
		},
	}
	f.Register(c)
	c.Flags().Var(&from, "from", "the first day (default 90 days ago)")
	c.Flags().Var(&to, "to", "the day behind the last one (default today)")
	return c
}

func (f *flags) claim(s cli.Streams, c *client.RootClaim) error {
	codes := claimCodes(c)
	var err error
	if f.Output == "json" {
		err = cli.WriteJSON(s.Out, struct {
			Schema string `json:"schema"`
			client.RootClaim
			ExitCodes []int `json:"exit_codes"`
		}{"rootkeep/root-claim/1", *c, codes})
	} else {
		err = cli.PrintVisible(s.Out, claimText(c))
	}
	if err != nil {
		return err
	}
	return cli.ExitWith(codes)
}

// claimCodes are the exit codes that apply. What the server claims is not believed against
// its own numbers.
func claimCodes(c *client.RootClaim) []int {
	codes := []int{}
	if c.Unexplained > 0 {
		codes = append(codes, cli.ExitRoot)
	}
	if !c.Claim && c.Unexplained == 0 || c.Proven < c.Hours || c.Unjudged > 0 || c.Accounts == 0 {
		codes = append(codes, cli.ExitNoCoverage)
	}
	return codes
}

func claimText(c *client.RootClaim) string {
	out := fmt.Sprintf("%s to %s, %d accounts: %d explained, %d drills, %d unexplained, %d not judged\n",
		c.Since.Format(time.DateOnly), c.Until.Format(time.DateOnly), c.Accounts, c.Explained, c.Drills, c.Unexplained, c.Unjudged)
	share := 0.0
	if c.Hours > 0 {
		share = 100 * float64(c.Proven) / float64(c.Hours)
	}
	out += fmt.Sprintf("The log is proven complete for %d of %d hours (%.1f%%)\n", c.Proven, c.Hours, share)
	if len(claimCodes(c)) == 0 {
		return out + "Root was not used without an explanation.\n"
	}
	return out + "It cannot be said that root was not used without an explanation.\n"
}
