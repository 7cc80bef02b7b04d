package ledger

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/rootkeep/rootkeep/cmd/rootkeep/cli"
	"github.com/rootkeep/rootkeep/internal/anchor"
	"github.com/rootkeep/rootkeep/internal/app/proof"
)

type verifyFlags struct {
	storeFlags
	checkpoint, anchors string
	keys                []string
}

func verifyCommand(s cli.Streams) *cobra.Command {
	var f verifyFlags
	c := &cobra.Command{
		Use:   "verify [FOLDER]",
		Short: "Verify the whole ledger, in the store or exported",
		Long: `Verify recomputes every hash from the entries, compares payloads with what entries say
of them, checks who signed the head, changes of the key, and that the log extends every
checkpoint that was anchored. With FOLDER it does so for an export, which has no
payloads, and needs no store: --key says whose ledger it is.

--checkpoint FILE asks whether the log extends a checkpoint that somebody kept.
--anchors FILE asks the places of anchors what they hold: one that is newer than the
head means that history was rolled back.

Exit codes: 0 everything holds; 4 something does not, or could not be looked at.`,
		Example: `  rootkeep ledger verify
  rootkeep ledger verify --checkpoint last-year.checkpoint --anchors anchors.yaml
  rootkeep ledger verify /srv/ledger --key keys.txt`,
		Args:              cobra.MaximumNArgs(1),
		ValidArgsFunction: cobra.FixedCompletions(nil, cobra.ShellCompDirectiveFilterDirs),
		RunE: func(c *cobra.Command, args []string) error {
			v, err := f.verify(c.Context(), s, args)
			if err != nil {
				return err
			}
			return f.write(s.Out, v)
		},
	}
	f.add(c)
	fl := c.Flags()
	fl.StringVar(&f.checkpoint, "checkpoint", "", "checkpoint that somebody kept: the log must extend it")
	fl.StringVar(&f.anchors, "anchors", "", "file with the places of anchors, to ask them")
	fl.StringArrayVar(&f.keys, "key", nil, "file of verifier keys, for a FOLDER (repeatable)")
	cli.CompleteFiles(c, "anchors", "yaml", "yml")
	return c
}

func (f *verifyFlags) verify(ctx context.Context, s cli.Streams, args []string) (*proof.Verified, error) {
	if err := f.check(); err != nil {
		return nil, err
	}
	var older []byte
	if f.checkpoint != "" {
		var err error
		if older, err = readSmall(f.checkpoint); err != nil {
			return nil, cli.Usage("--checkpoint: %w", err)
		}
	}
	draw, end := countLine(s.Err, "entries")
	defer end()
	if len(args) == 1 {
		return f.folder(args[0], older, draw)
	}
	if len(f.keys) > 0 {
		return nil, cli.Usage("--key is for a FOLDER; the keys of a store are in its key file")
	}
	places, err := readPlaces(ctx, f.anchors)
	if err != nil {
		return nil, err
	}
	var v *proof.Verified
	err = f.with(ctx, func(b *proof.Book) (err error) {
		v, err = b.Verify(ctx, proof.VerifyConfig{Older: older, Places: places, Progress: draw})
		return err
	})
	return v, err
}

func readPlaces(ctx context.Context, path string) ([]proof.Place, error) {
	if path == "" {
		return nil, nil
	}
	list, err := anchor.ReadConfig(path)
	if err != nil {
		return nil, cli.Usage("%w", err)
	}
	return proof.Places(ctx, list, time.Now)
}

func (f *verifyFlags) folder(path string, older []byte, draw func(done, total int64)) (*proof.Verified, error) {
	switch {
	case len(f.keys) == 0:
		return nil, cli.Usage("a FOLDER needs the ledger's verifier keys; hint: --key FILE, as rootkeep ledger keys prints them")
	case f.anchors != "":
		return nil, cli.Usage("--anchors goes with a store")
	}
	keys, err := readKeys(f.keys)
	if err != nil {
		return nil, cli.Usage("--key: %w", err)
	}
	root, err := os.OpenRoot(path)
	if err != nil {
		return nil, fmt.Errorf("export: %w", err)
	}
	defer root.Close()
	origin, _, _ := strings.Cut(keys[0], "+")
	return proof.VerifyFolder(root.FS(), origin, keys, older, draw)
}

func (f *verifyFlags) write(w io.Writer, v *proof.Verified) error {
	codes := []int{}
	if v.State != proof.Holds {
		codes = append(codes, cli.ExitNoCoverage)
	}
	var err error
	if f.output == "json" {
		err = cli.WriteJSON(w, struct {
			*proof.Verified
			ExitCodes []int `json:"exit_codes"`
		}{v, codes})
	} else {
		err = writeVerified(w, v)
	}
	if err != nil {
		return err
	}
	return cli.ExitWith(codes)
}

func writeVerified(w io.Writer, v *proof.Verified) error {
	var b strings.Builder
	switch v.State {
	case proof.Holds:
		fmt.Fprintf(&b, "Holds: all %d entries of %s are as the head says.\n", v.Size, v.Origin)
	case proof.Unknown:
		fmt.Fprintf(&b, "Unknown: nothing is wrong with the %d entries of %s, and not all could be looked at.\n", v.Size, v.Origin)
	default:
		fmt.Fprintf(&b, "Broken: the ledger %s is not what it was.\n", v.Origin)
	}
	if v.Root != "" {
		fmt.Fprintf(&b, "Head: %d entries, %s, signed by %s\n", v.Size, v.Root, strings.Join(v.SignedBy, " and "))
	}
	if v.Payloads > 0 {
		fmt.Fprintf(&b, "Payloads: %d are those of their entries\n", v.Payloads)
	}
	for _, e := range v.Erased {
		fmt.Fprintf(&b, "Erased: payload %s of entry %d, as entry %d tells\n", e.Name, e.Entry, e.By)
	}
	parts := append([]proof.Part{v.Log}, v.Keys...)
	if v.Older != nil {
		parts = append(parts, *v.Older)
	}
	for _, p := range parts {
		fmt.Fprintf(&b, "  %-10s %s%s\n", p.State, p.What, after(": ", p.Text))
	}
	for _, a := range v.Anchors {
		fmt.Fprintf(&b, "  %-10s anchor %s (%s), %d checkpoints", a.State, a.What, a.Kind, a.Count)
		if a.Count > 0 {
			fmt.Fprintf(&b, ", the newest of %d entries at %s", a.Newest, a.At.Format(time.RFC3339))
		}
		fmt.Fprintf(&b, "%s%s%s\n", after(", ", a.Shown), after(": ", a.Text), after("; the last attempt failed: ", a.Failed))
	}
	if !v.Outside && v.State != proof.Broken {
		b.WriteString("Nothing from outside was compared, so whether the newest entries were cut off is not known; hint: --checkpoint, or --anchors\n")
	}
	return cli.PrintVisible(w, b.String())
}

// after puts a text after what leads to it, if there is one.
func after(lead, text string) string {
	if text == "" {
		return ""
	}
	return lead + text
}
