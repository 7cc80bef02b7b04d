package folder_test

import (
	"bytes"
	"compress/gzip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func zipped(t *testing.T, text string) string {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// TestAnObjectThatIsWholeDoesNotWait looks once, a moment after objects were written: those
// that show that they are whole come at once, in their order, until one that does not.
func TestAnObjectThatIsWholeDoesNotWait(t *testing.T) {
	whole := zipped(t, `{"Records":[]}`)
	bomb := zipped(t, strings.Repeat(" ", 17<<20))
	for name, test := range map[string]struct {
		texts []string
		want  int // of them
	}{
		"gzip and JSON":            {[]string{whole, `{"Records":[]}`, whole}, 3},
		"a gzip stream being sent": {[]string{whole, whole[:len(whole)-1], whole}, 1},
		"half a value":             {[]string{`{"Records":[`, `{}`}, 0},
		"lines may go on":          {[]string{"{}\n{}\n"}, 0},
		"nothing":                  {[]string{""}, 0},
		"more than is checked":     {[]string{`"` + strings.Repeat("a", 1<<20) + `"`}, 0},
		"inflates to too much":     {[]string{bomb}, 0},
		"a damaged sum":            {[]string{whole[:len(whole)-8] + "\x00\x00\x00\x00" + whole[len(whole)-4:]}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			within(t, func(t *testing.T, f tree) {
				now := time.Now()
				for i, text := range test.texts {
					f.at(string(rune('a'+i))+".json", text, now.Add(time.Duration(i-500)*time.Millisecond))
				}
				k := &taker{}
				_ = run(t, f.source(0), k, time.Millisecond)
				if len(k.got) != test.want {
					t.Errorf("got %d objects half a second after they were written, want %d", len(k.got), test.want)
				}
				_ = run(t, f.source(0), k, time.Minute)
				var want []string
				for i, text := range test.texts {
					want = append(want, string(rune('a'+i))+".json: "+text)
				}
				if diff := cmp.Diff(want, k.got); diff != "" {
					t.Errorf("a minute later (-want +got):\n%s", diff)
				}
			})
		})
	}
}

// TestAnObjectOfThisInstantIsLeftAlone: a second change may bear the same time.
func TestAnObjectOfThisInstantIsLeftAlone(t *testing.T) {
	within(t, func(t *testing.T, f tree) {
		f.write("a.json", "{}")
		k := &taker{}
		_ = run(t, f.source(0), k, 50*time.Millisecond)
		if len(k.got) != 0 {
			t.Errorf("got %v at once, want it left alone for a moment", k.got)
		}
	})
}
