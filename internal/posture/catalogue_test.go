package posture_test

import (
	"os"
	"slices"
	"strings"
	"testing"
)

// The catalogue is the list in testdata/catalogue.txt: what it names and has no file is
// missing, what has a file and is not named there is not of the catalogue.
func TestTheCatalogueIsComplete(t *testing.T) {
	text, err := os.ReadFile("testdata/catalogue.txt")
	if err != nil {
		t.Fatal(err)
	}
	var want []string
	for line := range strings.Lines(string(text)) {
		if id := strings.TrimSpace(line); !strings.HasPrefix(id, "#") {
			want = append(want, id)
		}
	}
	if len(want) != 185 {
		t.Errorf("the list has %d controls, want 185", len(want))
	}
	var got, missing []string
	for _, c := range shipped(t) {
		got = append(got, c.ID)
	}
	for _, id := range want {
		if !slices.Contains(got, id) {
			missing = append(missing, id)
		}
	}
	if len(missing) > 0 {
		t.Errorf("%d of %d controls have no file in content/controls: %s", len(missing), len(want), strings.Join(missing, " "))
	}
	for _, id := range got {
		if !slices.Contains(want, id) {
			t.Errorf("control %s is not in testdata/catalogue.txt", id)
		}
	}
}
