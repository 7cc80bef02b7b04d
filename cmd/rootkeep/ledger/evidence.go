package ledger

import (
	"bytes"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/rootkeep/rootkeep/cloudtrail/digest"
	"github.com/rootkeep/rootkeep/cmd/rootkeep/cli"
	"github.com/rootkeep/rootkeep/internal/app/proof"
	"github.com/rootkeep/rootkeep/internal/report/evidence"
)

// EvidenceCommand is rootkeep evidence.
func EvidenceCommand(s cli.Streams) *cobra.Command {
	c := &cobra.Command{Use: "evidence", Short: "Make bundles of evidence for auditors"}
	c.AddCommand(bundleCommand(s), rootCommand(s))
	return c
}

type bundleFlags struct {
	storeFlags
	from, to cli.Moment
	file     string
	trail    proof.TrailConfig
	readOnly bool
	root     bool // tells of root users
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

With --trail, a copy of a trail's bucket as rootkeep trail verify reads it (a folder, a
zip, or single files), the bundle also holds what AWS signed: the digest files of the
period, and the log files of it that have root events or could not be read whole, at
most 50,000 files of 512 MiB. What was left out is named in aws/trail.json. --aws-keys
puts AWS's public keys in; an auditor brings their own.

The ledger keeps an entry of every export, evidence.exported, written before the bundle
is in its place. --read-only writes none, for an operator who may only read.

The bundle holds payloads, and so personal data: handle it as such.

Exit codes: 0 the bundle holds all that belongs in it; 5 some of CloudTrail's files are
left out, could not be read, or none of the period was found.`,
		Example: `  rootkeep evidence export --from 2026-07-01 --to 2026-10-01 -o q3.zip
  rootkeep evidence export --from 2026-07-01 --to 2026-10-01 --trail ./bucket --aws-keys keys.json -o q3.zip
  rootkeep verify q3.zip --key keys.txt`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return f.run(c.Context(), s, "--from 2026-07-01 --to 2026-10-01")
		},
	}
	f.flags(c)
	return c
}

func (f *bundleFlags) flags(c *cobra.Command) {
	f.add(c)
	fl := c.Flags()
	fl.Var(&f.from, "from", "first moment of the period: a day, a time, or a span back (90d)")
	fl.Var(&f.to, "to", "end of the period, not in it")
	fl.StringVarP(&f.file, "file", "o", "", "the zip to write")
	fl.StringArrayVar(&f.trail.Paths, "trail", nil, "copy of a trail's bucket: folder, zip or file, with its digests (repeatable)")
	fl.StringArrayVar(&f.trail.Keys, "aws-keys", nil, "file of AWS's public keys, as aws cloudtrail list-public-keys prints them (repeatable)")
	fl.BoolVar(&f.readOnly, "read-only", false, "write no entry of the export into the ledger")
	cli.CompleteFiles(c, "file", "zip")
	cli.CompleteFiles(c, "aws-keys", "json", "pem")
}

// run exports, once the flags make sense. example is how a period is given.
func (f *bundleFlags) run(ctx context.Context, s cli.Streams, example string) error {
	switch {
	case f.from.IsZero() || f.to.IsZero():
		return cli.Usage("--from and --to are required; hint: %s", example)
	case !f.from.Before(f.to.Time):
		return cli.Usage("--from %s is not before --to %s", &f.from, &f.to)
	case f.file == "":
		return cli.Usage("-o BUNDLE.zip is required")
	case len(f.trail.Keys) > 0 && len(f.trail.Paths) == 0:
		return cli.Usage("--aws-keys goes with --trail")
	}
	return f.with(ctx, func(b *proof.Book) error { return f.export(ctx, s, b) })
}

func (f *bundleFlags) export(ctx context.Context, s cli.Streams, b *proof.Book) error {
	out, err := cli.OpenOutput(f.file, nil)
	if err != nil {
		return err
	}
	defer out.Discard()
	draw, end := countLine(s.Err, "entries")
	x := proof.Export{Keys: b.Keys.Verifier, From: f.from.Time, To: f.to.Time, Progress: draw, Root: f.root}
	if len(f.trail.Paths) > 0 {
		x.Trail = &f.trail
	}
	done, err := proof.Evidence(ctx, b.Store, x, out)
	end()
	if err == nil && !f.readOnly {
		if err = done.Record(ctx, b.Store, "host"); err != nil {
			err = fmt.Errorf("%w; no bundle was written; hint: --read-only, if the ledger may only be read here", err)
		}
	}
	if err != nil {
		return err
	}
	if err := out.Commit(); err != nil {
		return err
	}
	return f.writeDone(s.Out, done)
}

// exported is what evidence export --output json writes.
type exported struct {
	*proof.Bundled
	ExitCodes []int `json:"exit_codes"`
}

func (f *bundleFlags) writeDone(w io.Writer, done *proof.Bundled) error {
	codes := []int{}
	t := done.Trail
	if t != nil && (t.LeftOut+t.Unreadable+len(t.Undecided) > 0 || t.Digests == 0) || done.Root != nil && !done.Root.Whole() {
		codes = append(codes, cli.ExitUnread)
	}
	if f.output == "json" {
		if err := cli.WriteJSON(w, exported{done, codes}); err != nil {
			return err
		}
		return cli.ExitWith(codes)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%d entries of %s, %d anchors, %d erased payloads, in %s\n", done.Entries, done.Origin, done.Anchors, done.Erased, f.file)
	if done.Root != nil {
		writeRoot(&b, done.Root)
	}
	if t != nil {
		fmt.Fprintf(&b, "CloudTrail: %d digest files, %d log files with root events or undecided; %d without root events are not in it\n", t.Digests, t.Logs, t.Rootless)
		if t.Digests == 0 {
			b.WriteString("no digest file of the period was found, so nothing proves the log files\n")
		}
		if t.LeftOut+t.Unreadable > 0 {
			fmt.Fprintf(&b, "left out: %d files; %d inputs could not be looked into\n", t.LeftOut, t.Unreadable)
		}
		for _, l := range t.Named[:min(len(t.Named), shownLeft)] {
			fmt.Fprintf(&b, "  %s: %s\n", l.Path, l.Reason)
		}
		for _, file := range t.Undecided[:min(len(t.Undecided), shownLeft)] {
			fmt.Fprintf(&b, "  undecided, so it is in: %s\n", file)
		}
	}
	if done.Recorded != "" {
		fmt.Fprintf(&b, "recorded: evidence.exported %s, manifest %s\n", done.Recorded, done.Manifest)
	} else {
		fmt.Fprintf(&b, "read-only: the ledger has no entry of this export, manifest %s\n", done.Manifest)
	}
	if err := cli.PrintVisible(w, b.String()); err != nil {
		return err
	}
	return cli.ExitWith(codes)
}

const shownLeft = 10 // files that are named; the bundle names more

type checkFlags struct {
	keys   []string
	aws    []string
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
trust stand behind it, and which is absent: the approvers' keys, AWS's signatures on
CloudTrail's digests and through them on log files, the ledger's key with its anchors.
A fault names the entry or the file.

Of a bundle about root users it tells the story again from the entries, compares every
file with it, judges the events again, and says for each request which keys signed it and
for each verdict whether its event is in a log file that AWS signed.

Without --key the bundle's own keys are taken, and nothing is proven: whoever made it up
made up its keys. Take the key that the ledger's keeper gave you before. So it is with
--aws-keys: take what aws cloudtrail list-public-keys printed to you.

Exit codes: 0 proven; 4 broken, or nothing proves it; 5 the file could not be read, or is
no bundle.`,
		Example: `  rootkeep verify q3.zip --key keys.txt
  rootkeep verify q3.zip --key keys.txt --aws-keys keys.json
  rootkeep verify q3.zip --key keys.txt --tsa-roots tsa.pem --output json`,
		Args: cobra.ExactArgs(1),
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return []string{"zip"}, cobra.ShellCompDirectiveFilterFileExt
		},
		RunE: func(c *cobra.Command, args []string) error { return f.run(c.Context(), s, args[0]) },
	}
	fl := c.Flags()
	fl.StringArrayVar(&f.keys, "key", nil, "file of verifier keys of the ledger (repeatable)")
	fl.StringArrayVar(&f.aws, "aws-keys", nil, "file of AWS's public keys for CloudTrail, JSON of list-public-keys or PEM (repeatable)")
	fl.StringVar(&f.roots, "tsa-roots", "", "PEM file of root certificates of time-stamping authorities")
	fl.StringVar(&f.output, "output", "text", "text or json")
	cli.CompleteValues(c, "output", []string{"text", "json"})
	cli.CompleteFiles(c, "tsa-roots", "pem", "crt")
	cli.CompleteFiles(c, "aws-keys", "json", "pem")
	return c
}

func (f *checkFlags) run(ctx context.Context, s cli.Streams, path string) error {
	if f.output != "text" && f.output != "json" {
		return cli.Usage("--output %s: want text or json", f.output)
	}
	keys, err := readKeys(f.keys)
	if err != nil {
		return cli.Usage("--key: %w", err)
	}
	trust, err := f.trust()
	if err != nil {
		return err
	}
	in, size, err := openBundle(path)
	if err != nil {
		return &cli.Error{Code: cli.ExitUnread, Err: fmt.Errorf("bundle: %w", err)}
	}
	defer in.Close()
	return f.write(s, proof.CheckBundle(ctx, in, size, keys, trust))
}

// openBundle opens a file that may be a bundle: one that neither begins nor ends as zips do
// is none, and nothing can be said of what it proves.
func openBundle(path string) (in *os.File, size int64, err error) {
	if in, err = os.Open(path); err != nil {
		return nil, 0, err
	}
	info, err := in.Stat()
	switch {
	case err != nil:
	case !info.Mode().IsRegular():
		err = fmt.Errorf("%s is no regular file", path)
	default:
		var zip bool
		if zip, err = isZip(in, info.Size()); err == nil && !zip {
			err = fmt.Errorf("%s is no bundle of evidence: it is no zip; hint: rootkeep evidence export writes one", path)
		}
	}
	if err != nil {
		return nil, 0, errors.Join(err, in.Close())
	}
	return in, info.Size(), nil
}

// isZip says whether a file begins with an entry of a zip or has a directory's end among its
// last bytes, which a comment may follow (APPNOTE.TXT, sections 4.3.7 and 4.3.16): one that
// has either, and is no zip, is a broken one.
func isZip(in io.ReaderAt, size int64) (bool, error) {
	const entry, end = "PK\x03\x04", "PK\x05\x06"
	head := make([]byte, len(entry))
	tail := make([]byte, min(size, 22+1<<16))
	if _, err := in.ReadAt(tail, size-int64(len(tail))); err != nil && err != io.EOF {
		return false, err
	}
	if _, err := in.ReadAt(head, 0); err != nil && err != io.EOF {
		return false, err
	}
	return string(head) == entry || bytes.Contains(tail, []byte(end)), nil
}

// trust reads what the reader has from elsewhere, beside the ledger's keys.
func (f *checkFlags) trust() (t evidence.Trust, err error) {
	if f.roots != "" {
		text, err := readSmall(f.roots)
		if err != nil {
			return t, cli.Usage("--tsa-roots: %w", err)
		}
		if t.Stamps = x509.NewCertPool(); !t.Stamps.AppendCertsFromPEM(bytes.TrimSpace(text)) {
			return t, cli.Usage("--tsa-roots: %s holds no PEM certificate", f.roots)
		}
	}
	for _, file := range f.aws {
		_, keys, err := proof.ReadAWSKeys(file)
		if err != nil {
			return t, cli.Usage("--aws-keys: %w", err)
		}
		if t.AWS == nil {
			t.AWS = digest.Keys{}
		}
		maps.Copy(t.AWS, keys)
	}
	return t, nil
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
