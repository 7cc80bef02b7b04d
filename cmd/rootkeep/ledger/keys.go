package ledger

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/rootkeep/rootkeep/cmd/rootkeep/cli"
	"github.com/rootkeep/rootkeep/internal/app/proof"
)

func keysCommand(s cli.Streams) *cobra.Command {
	var f fileFlags
	c := &cobra.Command{
		Use:   "keys",
		Short: "Print the ledger's verifier keys, for auditors",
		Long: `Keys prints the verifier keys of the ledger, the oldest first, as C2SP signed-note has
them. Give them to auditors before they need them, on a way of its own: a key that comes
with the evidence proves nothing.`,
		Example: `  rootkeep ledger keys -o keys.txt`,
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return f.write(c.Context(), s, func(b *proof.Book) ([]byte, any, error) {
				var text strings.Builder
				fmt.Fprintf(&text, "# Verifier keys of the ledger %s\n", b.Keys.Origin)
				for _, k := range b.Keys.Verifier {
					text.WriteString(k + "\n")
				}
				return []byte(text.String()), struct {
					Schema  string   `json:"schema"`
					Origin  string   `json:"origin"`
					Keys    []string `json:"keys"`
					Signing []string `json:"signing"` // IDs
				}{"rootkeep/ledger-keys/1", b.Keys.Origin, b.Keys.Verifier, b.Keys.SigningIDs()}, nil
			})
		},
	}
	f.add(c)
	return c
}

func rotateCommand(s cli.Streams) *cobra.Command {
	var f storeFlags
	var finish bool
	c := &cobra.Command{
		Use:   "rotate-key",
		Short: "Change the key that signs the ledger",
		Long: `Rotate-key makes a new key. The ledger names it in an entry that the key before signs,
and both keys sign until every server has read the key file again: restart them, then
rotate-key --finish takes the older private key out of the file. It stays known for what
it signed, and signs no new head.

Whoever has the older verifier key follows the change by itself; give auditors the new
one all the same: rootkeep ledger keys.`,
		Example: `  rootkeep ledger rotate-key
  rootkeep ledger rotate-key --finish`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return f.with(c.Context(), func(b *proof.Book) error {
				var r *proof.Rotated
				var err error
				if finish {
					r, err = b.FinishRotation(c.Context())
				} else {
					r, err = b.BeginRotation(c.Context(), f.config.Store)
				}
				switch {
				case err != nil:
					return err
				case f.output == "json":
					return cli.WriteJSON(s.Out, r)
				case finish:
					_, err = fmt.Fprintf(s.Out, "The new key signs alone: %s\n", r.Verifier)
				default:
					_, err = fmt.Fprintf(s.Out, "New key, named by entry %d: %s\nBoth keys sign now. Restart every server, then: rootkeep ledger rotate-key --finish\n", r.Entry, r.Verifier)
				}
				return err
			})
		},
	}
	f.add(c)
	c.Flags().BoolVar(&finish, "finish", false, "end the change: the new key signs alone")
	return c
}
