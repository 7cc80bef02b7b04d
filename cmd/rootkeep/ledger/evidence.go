package ledger

import (
	"bytes"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/rootkeep/rootkeep/cmd/rootkeep/cli"
	"github.com/rootkeep/rootkeep/internal/app/proof"
	"github.com/rootkeep/rootkeep/internal/report/evidence"
)

// EvidenceCommand is rootkeep evidence.
func EvidenceCommand(s cli.Streams) *cobra.Command {
	c := &cobra.Command{Use: "evidence", Short: "Make bundles of evidence for auditors"}
	c.AddCommand(bundleCommand(s))
	return c
}

type bundleFlags struct {
	storeFlags
	from, to cli.Moment
	file     string
}

func bundleCommand(s cli.Streams) *cobra.Command {
	f := bundleFlags{from: cli.Moment{Now: time.Now}, to: cli.Moment{Now: time.Now}}
	c := &cobra.Command{
		Use:   "export",
		Short: "Export the evidence of a period as one zip",
		Long: `Export writes the ledger's entries of a period with their payloads, a receipt for each,
the signed checkpoint, anchors with proofs of consistency, approvals as security keys
signed them, the ledger's verifier keys, a README and an index. rootkeep verify checks
it with no server and no network. The same ledger and period give the same bytes.

The bundle holds payloads, and so personal data: handle it as such.`,
		Example: `  rootkeep evidence export --from 2026-07-01 --to 2026-10-01 -o q3.zip
  rootkeep verify q3.zip --key keys.txt`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			switch {
			case f.from.IsZero() || f.to.IsZero():
				return cli.Usage("--from and --to are required; hint: --from 2026-07-01 --to 2026-10-01")
			case !f.from.Before(f.to.Time):
				return cli.Usage("--from %s is not before --to %s", &f.from, &f.to)
			case f.file == "":
				return cli.Usage("-o BUNDLE.zip is required")
			}
			return f.with(c.Context(), func(b *proof.Book) error { return f.export(c.Context(), s, b) })
		},
	}
	f.add(c)
	fl := c.Flags()
	fl.Var(&f.from, "from", "first moment of the period: a day, a time, or a span back (90d)")
	fl.Var(&f.to, "to", "end of the period, not in it")
	fl.StringVarP(&f.file, "file", "o", "", "the zip to write")
	cli.CompleteFiles(c, "file", "zip")
	return c
}

func (f *bundleFlags) export(ctx context.Context, s cli.Streams, b *proof.Book) error {
	out, err := cli.OpenOutput(f.file, nil)
	if err != nil {
		return err
	}
	defer out.Discard()
	draw, end := countLine(s.Err, "entries")
	done, err := proof.Evidence(ctx, b.Store, b.Keys.Verifier, f.from.Time, f.to.Time, out, draw)
	end()
	if err != nil {
		return err
	}
	if err := out.Commit(); err != nil {
		return err
	}
	if f.output == "json" {
		return cli.WriteJSON(s.Out, done)
	}
	_, err = fmt.Fprintf(s.Out, "%d entries of %s, %d anchors, %d erased payloads, in %s\n", done.Entries, done.Origin, done.Anchors, done.Erased, cli.Visible(f.file))
	return err
}

type checkFlags struct {
	keys   []string
	roots  string
	output string
}

// VerifyCommand is rootkeep verify.
func VerifyCommand(s cli.Streams) *cobra.Command {
	var f checkFlags
	c := &cobra.Command{
		Use:   "verify BUNDLE.zip",
		Short: "Check a bundle of evidence, with no server and no network",
		Long: `Verify checks every file of a bundle, every entry against its receipt, every payload
against its entry, that no entry of the period is left out, changes of the ledger's key,
anchors, and the signatures of approvers' security keys. It says which of three roots of
trust stand behind it: the approvers' keys, AWS's signatures, the ledger's key with its
anchors. A fault names the entry or the file.

Without --key the bundle's own keys are taken, and nothing is proven: whoever made it up
made up its keys. Take the key that the ledger's keeper gave you before.

Exit codes: 0 proven; 4 broken, or nothing proves it.`,
		Example: `  rootkeep verify q3.zip --key keys.txt
  rootkeep verify q3.zip --key keys.txt --tsa-roots tsa.pem --output json`,
		Args: cobra.ExactArgs(1),
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return []string{"zip"}, cobra.ShellCompDirectiveFilterFileExt
		},
		RunE: func(_ *cobra.Command, args []string) error { return f.run(s, args[0]) },
	}
	fl := c.Flags()
	fl.StringArrayVar(&f.keys, "key", nil, "file of verifier keys of the ledger (repeatable)")
	fl.StringVar(&f.roots, "tsa-roots", "", "PEM file of root certificates of time-stamping authorities")
	fl.StringVar(&f.output, "output", "text", "text or json")
	cli.CompleteValues(c, "output", []string{"text", "json"})
	cli.CompleteFiles(c, "tsa-roots", "pem", "crt")
	return c
}

func (f *checkFlags) run(s cli.Streams, path string) error {
	if f.output != "text" && f.output != "json" {
		return cli.Usage("--output %s: want text or json", f.output)
	}
	keys, err := readKeys(f.keys)
	if err != nil {
		return cli.Usage("--key: %w", err)
	}
	var roots *x509.CertPool
	if f.roots != "" {
		text, err := readSmall(f.roots)
		if err != nil {
			return cli.Usage("--tsa-roots: %w", err)
		}
		if roots = x509.NewCertPool(); !roots.AppendCertsFromPEM(bytes.TrimSpace(text)) {
			return cli.Usage("--tsa-roots: %s holds no PEM certificate", f.roots)
		}
	}
	in, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("bundle: %w", err)
	}
	defer in.Close()
	info, err := in.Stat()
	switch {
	case err != nil:
		return fmt.Errorf("bundle: %w", err)
	case !info.Mode().IsRegular():
		return errors.New("bundle: not a regular file")
	}
	return f.write(s, proof.CheckBundle(in, info.Size(), keys, roots))
}

func (f *checkFlags) write(s cli.Streams, r *evidence.Report) error {
	codes := []int{}
	if r.State != evidence.Proven {
		codes = append(codes, cli.ExitNoCoverage)
	}
	var err error
	if f.output == "json" {
		err = cli.WriteJSON(s.Out, struct {
			*evidence.Report
			ExitCodes []int `json:"exit_codes"`
		}{r, codes})
	} else {
		err = r.WriteText(s.Out)
	}
	if err != nil {
		return err
	}
	return cli.ExitWith(codes)
}
