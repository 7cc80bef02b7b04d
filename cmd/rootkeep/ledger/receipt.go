package ledger

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/rootkeep/rootkeep/cmd/rootkeep/cli"
	"github.com/rootkeep/rootkeep/internal/app/proof"
)

// fileFlags are those of a command whose result is a file for others.
type fileFlags struct {
	storeFlags
	file string
}

func (f *fileFlags) add(c *cobra.Command) {
	f.storeFlags.add(c)
	c.Flags().StringVarP(&f.file, "file", "o", "", "write to this file instead of standard output")
}

// write makes the text, or the JSON, and puts it where it was asked for.
func (f *fileFlags) write(ctx context.Context, s cli.Streams, make func(*proof.Book) (text []byte, v any, err error)) error {
	return f.with(ctx, func(b *proof.Book) error {
		text, v, err := make(b)
		if err != nil {
			return err
		}
		out, err := cli.OpenOutput(f.file, s.Out)
		if err != nil {
			return err
		}
		defer out.Discard()
		if f.output == "json" {
			err = cli.WriteJSON(out, v)
		} else {
			_, err = out.Write(text)
		}
		if err != nil {
			return err
		}
		return out.Commit()
	})
}

func receiptCommand(s cli.Streams) *cobra.Command {
	var f fileFlags
	c := &cobra.Command{
		Use:   "receipt ENTRY",
		Short: "Make a receipt that proves an entry offline",
		Long: `Receipt makes a C2SP tlog-proof: the path of hashes from the entry to a signed
checkpoint. With the entry (in the JSON form) and the ledger's verifier key anybody
checks it with no server, and with tools that are not rootkeep's.`,
		Example: `  rootkeep ledger receipt 42 -o 42.tlog-proof
  rootkeep ledger receipt 42 --output json`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			n, err := entryNumber(args[0])
			if err != nil {
				return err
			}
			return f.write(c.Context(), s, func(b *proof.Book) ([]byte, any, error) {
				leaf, receipt, err := b.Receipt(c.Context(), n)
				if err != nil {
					return nil, nil, err
				}
				return receipt.Marshal(), struct {
					Schema  string `json:"schema"`
					Entry   int64  `json:"entry"`
					Leaf    string `json:"leaf"`
					Receipt string `json:"receipt"`
				}{"rootkeep/ledger-receipt/1", n, string(leaf), string(receipt.Marshal())}, nil
			})
		},
	}
	f.add(c)
	return c
}

func checkpointCommand(s cli.Streams) *cobra.Command {
	var f fileFlags
	c := &cobra.Command{
		Use:   "checkpoint",
		Short: "Print the signed head of the ledger",
		Long: `Checkpoint prints the head: name, number of entries, root hash, signatures (C2SP
tlog-checkpoint). Whoever keeps one can later ask whether the ledger still extends it:
rootkeep ledger verify --checkpoint FILE.`,
		Example: `  rootkeep ledger checkpoint -o 2026-11-26.checkpoint`,
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return f.write(c.Context(), s, func(b *proof.Book) ([]byte, any, error) {
				head, err := b.Head(c.Context())
				if err != nil {
					return nil, nil, err
				}
				return head.Signed, struct {
					Schema string `json:"schema"`
					Origin string `json:"origin"`
					Size   int64  `json:"size"`
					Root   string `json:"root"`
					Signed string `json:"signed"`
				}{"rootkeep/ledger-checkpoint/1", head.Origin, head.Size, head.Root.String(), string(head.Signed)}, nil
			})
		},
	}
	f.add(c)
	return c
}
