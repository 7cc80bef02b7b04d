// Package source is rootkeep source: how live sources stand, over the API of a server.
package source

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/rootkeep/rootkeep/client"
	"github.com/rootkeep/rootkeep/cmd/rootkeep/cli"
	"github.com/rootkeep/rootkeep/internal/process"
	"github.com/rootkeep/rootkeep/internal/report/text"
)

// Command is rootkeep source.
func Command(s cli.Streams) *cobra.Command {
	c := &cobra.Command{
		Use:   "source",
		Short: "Live sources: who reads them, how far they are, what is wrong",
		Long: `A live source brings events while they happen. The processes that read them say every half
minute how they stand.

These commands speak to a server.`,
		Example: "  rootkeep source list\n  rootkeep source show trail-files --account 111122223333",
	}
	c.AddCommand(listCommand(s), showCommand(s))
	return c
}

// flags are those of every command that speaks to a server.
type flags struct{ cli.ServerFlags }

const (
	all       = "/live-sources"
	mostShown = 50 // places of a source
)

func listCommand(s cli.Streams) *cobra.Command {
	var f flags
	c := &cobra.Command{
		Use:     "list",
		Short:   "List live sources, those to look at first",
		Long:    "List shows each live source with its state, the last answer, the last delivery, and up to when everything was delivered.",
		Example: "  rootkeep source list\n  rootkeep source list --output json",
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			x, err := f.read(c, nil)
			if err != nil {
				return err
			}
			if f.Output == "json" {
				return writeJSON(s, "rootkeep/source-list/1", x)
			}
			return cli.PrintVisible(s.Out, table(x))
		},
	}
	f.Register(c)
	return c
}

func (f *flags) read(c *cobra.Command, query url.Values) (*client.LiveSources, error) {
	server, err := f.Client()
	if err != nil {
		return nil, err
	}
	x, err := client.Get[client.LiveSources](c.Context(), server, all, query)
	return &x, err
}

func writeJSON(s cli.Streams, schema string, x *client.LiveSources) error {
	return cli.WriteJSON(s.Out, struct {
		Schema string `json:"schema"`
		*client.LiveSources
	}{schema, x})
}

func table(x *client.LiveSources) string {
	var b strings.Builder
	if len(x.Sources) == 0 {
		return "no live source: nothing is watched\n"
	}
	for _, s := range x.Sources {
		fmt.Fprintf(&b, "%-7s  %s  heard %s  delivered %s  complete up to %s", s.State, cli.Visible(s.Name), stamp(s.Heard), stamp(s.Last), stamp(s.Complete))
		if s.Skipped > 0 {
			fmt.Fprintf(&b, "  %s", text.Counted(s.Skipped, "object")+" skipped")
		}
		if s.Reason != "" {
			fmt.Fprintf(&b, "  %s", cli.Visible(s.Reason))
		}
		b.WriteByte('\n')
	}
	if n := len(x.Unread); n > 0 {
		fmt.Fprintf(&b, "no source brings anything of %s\n", text.Counted(n, "account"))
	}
	if x.Flow != nil && x.Flow.Aside > 0 {
		fmt.Fprintf(&b, "%d messages were put aside: rootkeep flow show\n", x.Flow.Aside)
	}
	return b.String()
}

func stamp(t time.Time) string {
	if t.IsZero() {
		return "never"
	}
	return t.UTC().Format(time.RFC3339)
}

func showCommand(s cli.Streams) *cobra.Command {
	var f flags
	var account, region string
	c := &cobra.Command{
		Use:     "show NAME",
		Short:   "Show a live source: what is wrong, and its lag in each account and Region",
		Long:    "Show prints how a live source stands, and how long the latest took to arrive in each account and Region, the largest lag first, at most 50.",
		Example: "  rootkeep source show trail-files\n  rootkeep source show trail-files --region eu-west-1 --output json",
		Args:    cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			x, err := f.read(c, url.Values{"source": {args[0]}, "account": {account}, "region": {region}})
			if err != nil {
				return err
			}
			for i := range x.Sources {
				if x.Sources[i].Name != args[0] {
					continue
				}
				x.Sources, x.Unread = x.Sources[i:i+1], []string{}
				if f.Output == "json" {
					return writeJSON(s, "rootkeep/source/1", x)
				}
				return cli.PrintVisible(s.Out, card(x))
			}
			return fmt.Errorf("no live source %q; hint: rootkeep source list", args[0])
		},
	}
	f.Register(c)
	c.Flags().StringVar(&account, "account", "", "only places in this account")
	c.Flags().StringVar(&region, "region", "", "only places in this Region")
	return c
}

// card is a source for a person. A line end in a value makes no line.
func card(x *client.LiveSources) string {
	var b strings.Builder
	s := &x.Sources[0]
	row := func(term, value string) {
		if value != "" {
			fmt.Fprintf(&b, "%-12s %s\n", term, cli.Visible(value))
		}
	}
	row("Source", s.Name)
	row("State", s.State)
	if !s.Ended.IsZero() {
		row("Ended", stamp(s.Ended))
	}
	row("Why", s.Reason)
	names := slices.Clone(s.Readers)
	if len(names) == 0 {
		names = []string{s.Owner}
	}
	for i, name := range names {
		names[i] = process.Short(name)
	}
	row("Read by", strings.Join(names, ", "))
	row("Heard", stamp(s.Heard))
	row("Delivered", stamp(s.Last))
	row("Complete", stamp(s.Complete))
	if !s.Behind.IsZero() {
		row("Behind since", stamp(s.Behind))
	}
	row("Wrong", s.Fault)
	row("Takes long", s.Busy)
	row("Cannot see", s.Gap)
	row("Read", fmt.Sprintf("%s, %s; %s not decoded", text.Counted(int(s.Objects), "object"), text.Counted(int(s.Records), "record"), text.Grouped(int(s.Undecodable))))
	row("Skipped", fmt.Sprint(s.Skipped))
	row("Latest", s.Latest)
	for _, p := range x.Places[:min(len(x.Places), mostShown)] {
		row("Lag", fmt.Sprintf("%s  %s  %s  latest %s", p.Account, p.Region, text.Span(time.Duration(p.Lag*float64(time.Second))), stamp(p.Last)))
	}
	if n := len(x.Places) + x.More - mostShown; n > 0 {
		fmt.Fprintf(&b, "%s more\n", text.Counted(n, "place"))
	}
	return b.String()
}
