package cloudtrail

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
)

func TestReadGzip(t *testing.T) {
	const file = `{"Records":[` + recA + `,` + recB + `]}`
	zipped := gzipped(t, file)
	flipped := []byte(zipped)
	flipped[len(flipped)-8] ^= 1
	tests := []struct {
		name      string
		data      string
		oneMember bool
		want      string
		members   int
		problems  []string
	}{
		{"a second member is read", gzipped(t, file) + gzipped(t, file), false, "A B A B", 2, nil},
		{"a second member may be forged", gzipped(t, file) + gzipped(t, file), true, "A B", 1, []string{"second-member@133"}},
		{"a member boundary inside a record", gzipped(t, file[:60]) + gzipped(t, file[60:]), false, "A B", 2, nil},
		{"one member as promised", zipped, true, "A B", 1, nil},
		{"zeros after the member", zipped + "\x00\x00\x00\x00", false, "A B", 1, []string{"trailing-data@133"}},
		{"text after the member", zipped + "hello, this is no gzip", true, "A B", 1, []string{"trailing-data@133"}},
		{"a wrong checksum", string(flipped), false, "A B", 1, []string{"corrupt@133"}},
		{"without its trailer", zipped[:len(zipped)-8], false, "A B", 1, []string{"truncated@133"}},
		{"cut in the header", zipped[:5], false, "", 1, []string{"truncated@0"}},
		{"an empty member", gzipped(t, ""), false, "", 1, []string{"empty@0"}},
		{"gzip by its magic only", "\x1f\x8bnot gzip at all, in truth", false, "", 1, []string{"corrupt@0"}},
	}
	for _, c := range tests {
		t.Run(c.name, func(t *testing.T) {
			in := text(c.data)
			in.OneMember = c.oneMember
			got, stats := names(t, newReader(t, Options{}, "eventName"), in)
			if got := strings.Join(got, " "); got != c.want || stats.Members != c.members {
				t.Errorf("got records %q of %d members, want %q of %d", got, stats.Members, c.want, c.members)
			}
			if diff := cmp.Diff(c.problems, problems(stats)); diff != "" {
				t.Errorf("problems (-want +got)\n%s%+v", diff, stats.Problems)
			}
		})
	}
}

func TestRecordsBeforeACutAreDelivered(t *testing.T) {
	var b strings.Builder
	b.WriteString(`{"Records":[` + recA)
	for i := range 40000 {
		fmt.Fprintf(&b, `,{"eventVersion":"1.11","eventID":"%08x","eventName":"B"}`, uint32(i)*2654435761)
	}
	b.WriteString(`]}`)
	zipped := gzipped(t, b.String())
	got, stats := names(t, newReader(t, Options{}, "eventName"), text(zipped[:len(zipped)/2]))
	if len(got) < 15000 || len(got) > 25000 {
		t.Errorf("got %d records of half a file of 40001, want about half", len(got))
	}
	if len(stats.Problems) != 1 || stats.Problems[0].Kind != Truncated {
		t.Errorf("got problems %+v, want one of kind truncated", stats.Problems)
	}
}

func TestBomb(t *testing.T) {
	bomb := strings.Repeat(gzipped(t, strings.Repeat(" ", 1<<20)), bombBytes>>20+64)
	_, stats := names(t, newReader(t, Options{}), text(bomb))
	if len(stats.Problems) != 1 || stats.Problems[0].Kind != Bomb {
		t.Errorf("got problems %+v, want one of kind bomb", stats.Problems)
	}
	if stats.InflatedBytes > bombBytes+windowSize {
		t.Errorf("got %d bytes inflated, want the reading to stop at %d", stats.InflatedBytes, bombBytes)
	}
}

func TestFailingInputs(t *testing.T) {
	const file = `{"Records":[` + recA + `,` + recB + `]}`
	zipped := gzipped(t, file)
	broken := func(s string, err error) Input {
		return Input{Name: "f", Open: func() (io.ReadCloser, error) {
			return io.NopCloser(io.MultiReader(strings.NewReader(s), iotest.ErrReader(err))), nil
		}}
	}
	tests := []struct {
		name string
		in   Input
		want string
		kind ProblemKind
	}{
		{"gone before it is opened", Input{Open: func() (io.ReadCloser, error) { return nil, &fs.PathError{Err: fs.ErrNotExist} }}, "", Vanished},
		{"not readable", Input{Open: func() (io.ReadCloser, error) { return nil, fs.ErrPermission }}, "", ReadError},
		{"fails at once", broken("", errors.New("I/O error")), "", ReadError},
		{"fails in the middle", broken(file[:100], errors.New("I/O error")), "A", ReadError},
		{"vanishes in the middle", broken(file[:100], &fs.PathError{Op: "read", Path: "f", Err: fs.ErrNotExist}), "A", Vanished},
		{"fails within gzip", broken(zipped[:len(zipped)-9], errors.New("I/O error")), "A B", ReadError},
	}
	for _, c := range tests {
		t.Run(c.name, func(t *testing.T) {
			got, stats := names(t, newReader(t, Options{}, "eventName"), c.in)
			if got := strings.Join(got, " "); c.kind != ReadError && got != c.want {
				t.Errorf("got records %q, want %q", got, c.want)
			}
			if len(stats.Problems) != 1 || stats.Problems[0].Kind != c.kind {
				t.Errorf("got problems %+v, want one of kind %s", stats.Problems, c.kind)
			}
		})
	}
}

func TestFallBackToTheStandardLibrary(t *testing.T) {
	// Our decoder sees the file cut off; the second reading finds it whole.
	var b strings.Builder
	for i := range 20000 {
		fmt.Fprintf(&b, `{"eventID":"%08x","eventName":"%d"}`, uint32(i)*2654435761, i)
	}
	zipped := gzipped(t, b.String())
	opened := 0
	in := Input{Name: "f", Open: func() (io.ReadCloser, error) {
		if opened++; opened == 1 {
			return io.NopCloser(strings.NewReader(zipped[:len(zipped)/2])), nil
		}
		return io.NopCloser(strings.NewReader(zipped)), nil
	}}
	got, stats := names(t, newReader(t, Options{}, "eventName"), in)
	if len(got) != 20000 || got[19999] != "19999" || stats.Problems != nil || !stats.Reread {
		t.Errorf("got %d records, problems %+v, reread %v; want 20000, none, true", len(got), stats.Problems, stats.Reread)
	}

	opened = 0
	once := Input{Name: "-", Open: func() (io.ReadCloser, error) {
		if opened++; opened > 1 {
			return nil, errors.New("standard input was read already")
		}
		return io.NopCloser(strings.NewReader(zipped[:len(zipped)/2])), nil
	}}
	got, stats = names(t, newReader(t, Options{}, "eventName"), once)
	if len(got) < 5000 || len(stats.Problems) != 1 || stats.Problems[0].Kind != Truncated || stats.Reread {
		t.Errorf("input that opens once: got %d records, problems %+v, reread %v; want half of them and truncated", len(got), stats.Problems, stats.Reread)
	}
}
