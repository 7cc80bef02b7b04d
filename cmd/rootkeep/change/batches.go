package change

import (
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/rootkeep/rootkeep/client"
	"github.com/rootkeep/rootkeep/cmd/rootkeep/cli"
)

func batchID(text string) error {
	if !batchIDs.MatchString(text) {
		return cli.Usage("batch %q: want its ID, such as CB-1KB2Z7Q0MX7F3A; hint: rootkeep change batch list", text)
	}
	return nil
}

func batchPath(id string) string { return "/changes/batches/" + url.PathEscape(id) }

func batchListCommand(s cli.Streams) *cobra.Command {
	var f flags
	var by string
	var halted bool
	var limit int
	c := &cobra.Command{
		Use:   "list",
		Short: "List batches, the newest first",
		Long: `List names the batches with a change of an account that you may read: where each stands,
how many of its changes are in which state, and where and why it halted. --output json has
the state of each account. Show has it for people.`,
		Example: `  rootkeep change batch list
  rootkeep change batch list --halted --output json`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			query := url.Values{}
			if by != "" {
				query.Set("by", by)
			}
			if halted {
				query.Set("halted", "true")
			}
			return f.listBatches(c, s, query, limit)
		},
	}
	f.Register(c)
	fl := c.Flags()
	fl.BoolVar(&halted, "halted", false, "only those that halted")
	fl.StringVar(&by, "by", "", "only those that this person planned (ID)")
	fl.IntVar(&limit, "limit", 50, "at most so many")
	return c
}

func (f *flags) listBatches(c *cobra.Command, s cli.Streams, query url.Values, limit int) error {
	if limit < 1 || limit > 10000 {
		return cli.Usage("--limit %d: want 1 to 10000", limit)
	}
	server, err := f.Client()
	if err != nil {
		return err
	}
	query.Set("limit", strconv.Itoa(min(limit, 200)))
	list := []client.ChangeBatchListed{}
	for b, err := range client.All[client.ChangeBatchListed](c.Context(), server, "/changes/batches", query) {
		if err != nil {
			return err
		}
		if list = append(list, b); len(list) == limit {
			break
		}
	}
	if f.Output == "json" {
		return cli.WriteJSON(s.Out, struct {
			Schema  string                     `json:"schema"`
			Batches []client.ChangeBatchListed `json:"batches"`
		}{"rootkeep/change-batch-list/1", list})
	}
	if len(list) == 0 {
		return cli.PrintVisible(s.Out, "no batch; hint: rootkeep change batch plan KIND --accounts NUMBERS plans one\n")
	}
	text := ""
	for i := range list {
		text += batchLine(&list[i])
	}
	return cli.PrintVisible(s.Out, text)
}

// batchLine is a batch of a list, with where it halted on a line of its own.
func batchLine(b *client.ChangeBatchListed) string {
	text := cli.Visible(fmt.Sprintf("%s  %-9s  %s  %s  %s", b.ID, b.Stands, b.Created.UTC().Format(time.DateTime), counted(b.Changes), b.About)) + "\n"
	for _, m := range b.Changes {
		if m.ID == b.Halted {
			canary := ""
			if m.Canary {
				canary = ", a canary"
			}
			text += "  halted at " + cli.Visible(fmt.Sprintf("%s in %s%s, %s: %s", m.ID, m.Account, canary, m.State, m.Why)) + "\n"
		}
	}
	if b.Unseen {
		text += "  halted at a change of an account that you may not read\n"
	}
	return text
}

// counted says how many changes are in which state.
func counted(list []client.ChangeBatchMember) string {
	var out []string
	for _, state := range states {
		n := 0
		for _, m := range list {
			if m.State == state {
				n++
			}
		}
		if n > 0 {
			out = append(out, fmt.Sprintf("%d %s", n, state))
		}
	}
	return strings.Join(out, ", ")
}

func batchUndoCommand(s cli.Streams) *cobra.Command {
	var f flags
	var without []string
	c := &cobra.Command{
		Use:   "undo ID",
		Short: "Plan how a batch is undone",
		Long: `Undo plans the undo of every change of a batch that was applied, all or none, as another
batch: the change that was applied last comes first, and is the canary. Ask for its
approval, then apply it, as any batch. What cannot be undone is named with the reason;
--without leaves it as it is.`,
		Example: `  rootkeep change batch undo CB-1KB2Z7Q0MX7F3A
  rootkeep change batch undo CB-1KB2Z7Q0MX7F3A --without CH-1KB2Z7Q0MX7F3A`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if err := batchID(args[0]); err != nil {
				return err
			}
			for _, id := range without {
				if _, err := changeID(id); err != nil {
					return err
				}
			}
			return f.batch(c, s, client.Call{Method: http.MethodPost, Path: batchPath(args[0]) + "/undo", Body: client.ChangeBatchUndo{Without: without}})
		},
	}
	f.Register(c)
	c.Flags().StringSliceVar(&without, "without", nil, "changes of the batch that are left as they are, by comma")
	return c
}
