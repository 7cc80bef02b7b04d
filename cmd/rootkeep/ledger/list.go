package ledger

import (
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/rootkeep/rootkeep/cmd/rootkeep/cli"
	"github.com/rootkeep/rootkeep/internal/app/proof"
	"github.com/rootkeep/rootkeep/internal/store/entries"
)

func listCommand(s cli.Streams) *cobra.Command {
	var f storeFlags
	var filter entries.Filter
	since, until := cli.Moment{Now: time.Now}, cli.Moment{Now: time.Now}
	c := &cobra.Command{
		Use:   "list",
		Short: "List entries of the ledger, the newest first",
		Long: `List shows entries by what they tell of. A type that ends in a dot stands for all that
begin with it. Payloads, which may hold personal data, are shown by rootkeep ledger show.`,
		Example: `  rootkeep ledger list --since 7d
  rootkeep ledger list --type exception. --subject EX-7K3F
  rootkeep ledger list --before 1200 --limit 100 --output json`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if filter.Limit < 1 || filter.Limit > 1000 {
				return cli.Usage("--limit %d: want 1 to 1000", filter.Limit)
			}
			filter.From, filter.To = since.Time, until.Time
			return f.with(c.Context(), func(b *proof.Book) error {
				list, err := b.List(c.Context(), filter)
				if err != nil {
					return err
				}
				return writeList(s.Out, f.output, list, filter.Limit)
			})
		},
	}
	f.add(c)
	fl := c.Flags()
	fl.StringVar(&filter.Type, "type", "", "only this type, such as exception.approved, or exception. for a family")
	fl.StringVar(&filter.Subject, "subject", "", "only entries about the thing with this ID")
	fl.StringVar(&filter.Actor, "actor", "", "only entries by this ID; system is rootkeep itself")
	fl.Var(&since, "since", "from this time on: a day, a time, or a span back such as 30d")
	fl.Var(&until, "until", "before this time")
	fl.Int64Var(&filter.Before, "before", 0, "only entries of smaller numbers, for the next page")
	fl.IntVar(&filter.Limit, "limit", 50, "at most so many, up to 1000")
	return c
}

func writeList(w io.Writer, format string, list []proof.Line, limit int) error {
	if format == "json" {
		out := struct {
			Schema  string       `json:"schema"`
			Entries []proof.Line `json:"entries"`
			Next    int64        `json:"next_before,omitempty"`
		}{Schema: "rootkeep/ledger-list/1", Entries: list}
		if len(list) == limit {
			out.Next = list[len(list)-1].Entry
		}
		return cli.WriteJSON(w, out)
	}
	if len(list) == 0 {
		_, err := fmt.Fprintln(w, "no entry")
		return err
	}
	for _, l := range list {
		if _, err := fmt.Fprintf(w, "%d  %s  %s  %s  by %s\n", l.Entry, l.Time.Format(time.RFC3339), l.Type, l.Subject, l.Actor); err != nil {
			return err
		}
	}
	return nil
}
