package cli_test

import (
	"bytes"
	"testing"

	"github.com/rootkeep/rootkeep/cmd/rootkeep/cli"
)

// A buffer may cut a character in two.
func TestInertWhereverWritesEnd(t *testing.T) {
	const in, want = "{\"a\":\"é\u202e\u009b😀\U000e0041\"}\n", "{\"a\":\"é\\u202e\\u009b😀\\udb40\\udc41\"}\n"
	for cut := range len(in) {
		var out bytes.Buffer
		w := &cli.Inert{To: &out}
		for _, part := range []string{in[:cut], in[cut:]} {
			if n, err := w.Write([]byte(part)); n != len(part) || err != nil {
				t.Fatalf("got %d and %v, want %d", n, err, len(part))
			}
		}
		if got := out.String(); got != want {
			t.Errorf("cut at %d: got %s, want %s", cut, got, want)
		}
	}
}
