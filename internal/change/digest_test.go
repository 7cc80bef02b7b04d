package change_test

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"testing"

	"github.com/rootkeep/rootkeep/content"
	"github.com/rootkeep/rootkeep/internal/change/expr"
	"github.com/rootkeep/rootkeep/internal/rule"
)

// TestAKindThatRendersTemplatesIsHeldToThem: a plan that was approved with one text of a
// template is not applied with another.
func TestAKindThatRendersTemplatesIsHeldToThem(t *testing.T) {
	templates, err := expr.Templates(content.Files)
	if err != nil || len(templates) == 0 {
		t.Fatalf("got %d bytes of templates, %v", len(templates), err)
	}
	renders := strings.Replace(one, `"'shelf/first'"`, `"true ? 'shelf/first' : json(template('scp-deny-root', []))"`, 1)
	for name, c := range map[string]struct {
		kind string
		with []byte
	}{
		"one that renders none":     {one, nil},
		"one that may render one":   {renders, templates},
		"another case changes none": {strings.Replace(one, "{name: one,", "{name: other,", 1), nil},
	} {
		text := rule.WithoutCases([]byte(strings.Replace(c.kind, "{name: other,", "{name: one,", 1)))
		sum := sha256.Sum256(append(text, c.with...))
		if got, want := load(t, c.kind).Hash(), hex.EncodeToString(sum[:]); got != want {
			t.Errorf("%s: got %s, want %s", name, got, want)
		}
	}
}
