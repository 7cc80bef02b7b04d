package ledger

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/rootkeep/rootkeep/cmd/rootkeep/cli"
	"github.com/rootkeep/rootkeep/internal/app/proof"
)

func anchorCommand(s cli.Streams) *cobra.Command {
	var f storeFlags
	var file string
	c := &cobra.Command{
		Use:   "anchor",
		Short: "Put the head of the ledger where it cannot be taken back",
		Long: `Anchor puts the signed head to the places of --anchors FILE that do not have it yet: a
folder, a webhook, a bucket with Object Lock, a time-stamping authority. Without
--anchors it says how each place stands. A place that fails stops no other.

The log shows that nothing was changed since a checkpoint; a checkpoint that somebody
else holds shows that the log was not written anew. docs/ledger.md has the file's keys.

Exit codes: 0 every place has the head, or no --anchors; 4 a place does not.`,
		Example: `  rootkeep ledger anchor
  rootkeep ledger anchor --anchors anchors.yaml`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if err := f.check(); err != nil {
				return err
			}
			places, err := readPlaces(c.Context(), file)
			if err != nil {
				return err
			}
			return f.with(c.Context(), func(b *proof.Book) error { return f.anchor(c.Context(), s.Out, b, places) })
		},
	}
	f.add(c)
	c.Flags().StringVar(&file, "anchors", "", "file with the places of anchors")
	cli.CompleteFiles(c, "anchors", "yaml", "yml")
	return c
}

func (f *storeFlags) anchor(ctx context.Context, w io.Writer, b *proof.Book, places []proof.Place) error {
	list, err := proof.Anchor(ctx, b.Store, places, time.Now)
	if err != nil {
		return err
	}
	codes := []int{}
	for _, a := range list {
		for _, p := range places {
			if p.Name == a.Place && (a.Failed != "" || a.Behind > 0) && len(codes) == 0 {
				codes = append(codes, cli.ExitNoCoverage)
			}
		}
	}
	if f.output == "json" {
		err = cli.WriteJSON(w, struct {
			Schema    string           `json:"schema"`
			ExitCodes []int            `json:"exit_codes"`
			Anchors   []proof.Anchored `json:"anchors"`
		}{"rootkeep/ledger-anchors/1", codes, list})
	} else {
		err = writeAnchors(w, list)
	}
	if err != nil {
		return err
	}
	return cli.ExitWith(codes)
}

func writeAnchors(w io.Writer, list []proof.Anchored) error {
	if len(list) == 0 {
		_, err := fmt.Fprintln(w, "no anchor: that the ledger was not written anew rests on whoever keeps its key; hint: --anchors FILE, see docs/ledger.md")
		return err
	}
	var b strings.Builder
	for _, a := range list {
		fmt.Fprintf(&b, "%s (%s, %s): ", a.Place, a.Kind, a.Target)
		if a.At.IsZero() {
			b.WriteString("no checkpoint yet")
		} else {
			fmt.Fprintf(&b, "%d entries at %s, %d entries since", a.Size, a.At.Format(time.RFC3339), a.Behind)
		}
		if a.Failed != "" {
			fmt.Fprintf(&b, "; failed %d times: %s", a.Tries, a.Failed)
		}
		b.WriteByte('\n')
	}
	return cli.PrintVisible(w, b.String())
}
