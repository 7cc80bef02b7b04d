package ledger

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/rootkeep/rootkeep/cmd/rootkeep/cli"
	"github.com/rootkeep/rootkeep/internal/app/proof"
)

func showCommand(s cli.Streams) *cobra.Command {
	var f storeFlags
	c := &cobra.Command{
		Use:   "show ENTRY",
		Short: "Show an entry with its payloads and its proof",
		Long: `Show prints an entry, what lies beside it, and the path of hashes that leads from it
to the head. Payloads are compared with the entry before they are shown. Text from
people and AWS is made harmless for a terminal; JSON has it to the byte.`,
		Example: `  rootkeep ledger show 42
  rootkeep ledger show 42 --output json`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			n, err := entryNumber(args[0])
			if err != nil {
				return err
			}
			return f.with(c.Context(), func(b *proof.Book) error {
				e, err := b.Show(c.Context(), n)
				if err != nil {
					return err
				}
				if f.output == "json" {
					return cli.WriteJSON(s.Out, e)
				}
				return writeEntry(s.Out, e)
			})
		},
	}
	f.add(c)
	return c
}

func writeEntry(w io.Writer, e *proof.Shown) error {
	var b strings.Builder
	fmt.Fprintf(&b, "Entry    %d of the ledger %s\nTime     %s\nType     %s\nSubject  %s\nActor    %s\n", e.Entry, e.Origin, e.Time.Format(time.RFC3339Nano), e.Type, e.Subject, e.Actor)
	for _, p := range e.Payloads {
		switch {
		case p.Erased != nil:
			fmt.Fprintf(&b, "\nPayload %s, erased at %s; its digest stays: %s\n", p.Name, p.Erased.Format(time.RFC3339), p.SHA256)
		case p.Base64 != nil:
			fmt.Fprintf(&b, "\nPayload %s, %d bytes that are no text; --output json has them\n", p.Name, p.Size)
		default:
			fmt.Fprintf(&b, "\nPayload %s, %d bytes:\n%s\n", p.Name, p.Size, p.Text)
		}
	}
	fmt.Fprintf(&b, "\nProof: %d hashes up to the head of %d entries\n", len(e.Path), e.Head)
	for _, h := range e.Path {
		fmt.Fprintf(&b, "  %s\n", h)
	}
	return cli.PrintVisible(w, b.String())
}
