// Package ledger is rootkeep ledger, evidence and verify: the ledger in the hands of the
// operator, and what an auditor does with what came out of it.
package ledger

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/rootkeep/rootkeep/cmd/rootkeep/cli"
	"github.com/rootkeep/rootkeep/internal/app/proof"
	"github.com/rootkeep/rootkeep/internal/keyfile"
)

// Command is rootkeep ledger.
func Command(s cli.Streams) *cobra.Command {
	c := &cobra.Command{
		Use:   "ledger",
		Short: "Read, prove, export and anchor the ledger",
		Long: `The ledger is the append-only record of what was seen, decided and done. Its entries
are leaves of a Merkle tree, its head is a signed checkpoint. These commands open the
store of a server on its host, running or not; docs/ledger.md has the formats.`,
	}
	c.AddCommand(listCommand(s), showCommand(s), verifyCommand(s), exportCommand(s), receiptCommand(s), checkpointCommand(s), anchorCommand(s), keysCommand(s), rotateCommand(s))
	return c
}

// storeFlags say which ledger.
type storeFlags struct {
	config proof.Config
	output string
}

func (f *storeFlags) add(c *cobra.Command) {
	f.config.Now = time.Now
	c.Flags().StringVar(&f.config.Store, "store", "rootkeep.db", "the store: a path of SQLite, or postgres://...")
	c.Flags().StringVar(&f.config.KeyFile, "key-file", "", "the ledger's key file (default ledger.key beside the SQLite file)")
	cli.CompleteFiles(c, "store", "db")
	f.addOutput(c)
}

func (f *storeFlags) addOutput(c *cobra.Command) {
	c.Flags().StringVar(&f.output, "output", "text", "text or json")
	cli.CompleteValues(c, "output", []string{"text", "json"})
}

func (f *storeFlags) check() error {
	if f.output != "text" && f.output != "json" {
		return cli.Usage("--output %s: want text or json", f.output)
	}
	return nil
}

// with opens the ledger for a function.
func (f *storeFlags) with(ctx context.Context, use func(*proof.Book) error) error {
	if err := f.check(); err != nil {
		return err
	}
	b, err := proof.Open(ctx, f.config)
	if err != nil {
		return err
	}
	return errors.Join(use(b), b.Close())
}

// entryNumber reads the number of an entry.
func entryNumber(text string) (int64, error) {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 0 {
		return 0, cli.Usage("entry %q: want its number, 0 or more; hint: rootkeep ledger list", text)
	}
	return n, nil
}

const (
	maxSmallFile = 1 << 20 // bytes of keys, checkpoints and certificates
)

// readSmall reads a file that is small if it is what it should be.
func readSmall(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxSmallFile+1))
	if err == nil && len(text) > maxSmallFile {
		err = fmt.Errorf("%s: more than %d KiB", path, maxSmallFile>>10)
	}
	return text, err
}

// readKeys reads files of verifier keys.
func readKeys(paths []string) ([]string, error) {
	var out []string
	for _, path := range paths {
		text, err := readSmall(path)
		if err != nil {
			return nil, err
		}
		keys, err := keyfile.ParseVerifiers(text)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		out = append(out, keys...)
	}
	return out, nil
}

// countLine draws how far a count is on one line of a terminal; both functions do
// nothing elsewhere.
func countLine(w io.Writer, what string) (draw func(done, total int64), end func()) {
	width, ok := cli.TerminalWidth(w)
	if !ok {
		return func(int64, int64) {}, func() {}
	}
	var drawn time.Time
	draw = func(done, total int64) {
		if now := time.Now(); now.Sub(drawn) >= 100*time.Millisecond {
			drawn = now
			line := fmt.Sprintf("%d of %d %s", done, total, what)
			fmt.Fprintf(w, "\r%s\x1b[K", line[:min(len(line), max(width-1, 0))])
		}
	}
	return draw, func() { fmt.Fprint(w, "\r\x1b[K") }
}
