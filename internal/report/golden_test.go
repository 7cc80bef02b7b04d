package report

import (
	"bytes"
	"flag"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the golden files")

// surfaces are all outputs of a hunt, by name of their golden file.
func surfaces() map[string]func(io.Writer, *Hunt) error {
	return map[string]func(io.Writer, *Hunt) error{
		"terminal.txt": func(w io.Writer, h *Hunt) error { return Terminal(w, h, TerminalOptions{}) },
		"narrow.txt":   func(w io.Writer, h *Hunt) error { return Terminal(w, h, TerminalOptions{Width: 60, MaxAlerts: 3}) },
		"color.txt":    func(w io.Writer, h *Hunt) error { return Terminal(w, h, TerminalOptions{Color: true, MaxAlerts: 2}) },
		"hunt.json":    JSON,
		"ndjson":       NDJSON,
		"csv":          CSV,
		"html":         HTML,
	}
}

func TestRenderedOutputsEqualTheGoldenFiles(t *testing.T) {
	for hunt, h := range map[string]*Hunt{"story": rootStory(), "quiet": quiet()} {
		for name, render := range surfaces() {
			t.Run(hunt+" as "+name, func(t *testing.T) {
				golden(t, filepath.Join("testdata", hunt+"."+name+".golden"), rendered(t, render, h))
			})
		}
	}
}

func rendered(t *testing.T, render func(io.Writer, *Hunt) error, h *Hunt) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := render(&out, h); err != nil {
		t.Fatalf("got error %v, want none", err)
	}
	return out.Bytes()
}

func golden(t *testing.T, file string, got []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s: got (+) differs from want (-):\n%s", file, diff)
	}
}
