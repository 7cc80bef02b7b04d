package ledger

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/rootkeep/rootkeep/cmd/rootkeep/cli"
	"github.com/rootkeep/rootkeep/internal/app/proof"
)

func exportCommand(s cli.Streams) *cobra.Command {
	var f storeFlags
	c := &cobra.Command{
		Use:   "export DIR",
		Short: "Export the log as tiles that others can check and follow",
		Long: `Export writes the log as C2SP tlog-tiles: checkpoint, tile/LEVEL/N, tile/entries/N.
Entries hold digests, no payloads. Given the folder of an earlier export, it checks that
the log extends that one and writes what is new; one that was cut off goes on. At the end
the whole folder is read again and checked.`,
		Example: `  rootkeep ledger export /srv/ledger
  rootkeep ledger verify /srv/ledger --key keys.txt`,
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: cobra.FixedCompletions(nil, cobra.ShellCompDirectiveFilterDirs),
		RunE: func(c *cobra.Command, args []string) error {
			return f.with(c.Context(), func(b *proof.Book) error {
				draw, end := countLine(s.Err, "files")
				out, err := b.Export(c.Context(), args[0], func(done, total int) { draw(int64(done), int64(total)) })
				end()
				if err != nil {
					return err
				}
				if f.output == "json" {
					return cli.WriteJSON(s.Out, out)
				}
				_, err = fmt.Fprintf(s.Out, "%d entries of %s in %s: %d files written, %d kept, all checked\n", out.Size, out.Origin, cli.Visible(out.Folder), out.Written, out.Kept)
				return err
			})
		},
	}
	f.add(c)
	return c
}
