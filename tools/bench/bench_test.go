package main

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// files writes gzip files of different lengths and lists them as xargs -0 reads
// them.
func files(t *testing.T, lengths ...int) (list []byte) {
	t.Helper()
	dir := t.TempDir()
	for i, n := range lengths {
		var stored bytes.Buffer
		z := gzip.NewWriter(&stored)
		for j := range n {
			z.Write([]byte{byte(j), byte(j >> 7)})
		}
		if err := z.Close(); err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, string(rune('a'+i)))
		if err := os.WriteFile(path, stored.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
		list = append(append(list, path...), 0)
	}
	return list
}

func TestDecodersMakeTheSame(t *testing.T) {
	list := files(t, 0, 1, windowSize/2, 3*windowSize)
	want := int64(2 * (1 + windowSize/2 + 3*windowSize))
	for name, decode := range map[string]func([]byte) (int64, error){"standard": decodeStandard, "own": decodeOwn} {
		if got, err := decode(list); got != want || err != nil {
			t.Errorf("%s: got %d bytes and %v, want %d", name, got, err, want)
		}
	}
}

func TestDecodersAreHeldToTheCorpus(t *testing.T) {
	c := &corpus{Raw: 10}
	jobs := []*job{{name: "x", stdin: []byte("a"), answers: true, output: "9", corpus: c}}
	err := agree(jobs)
	if err == nil || err.Error() != "x inflated 9 bytes, want 10" {
		t.Errorf("got %v, want the two numbers", err)
	}
	jobs[0].output = "10"
	if err := agree(jobs); err != nil {
		t.Errorf("got %v, want no error", err)
	}
}

func TestVerdicts(t *testing.T) {
	tests := []struct {
		name  string
		t     target
		ratio float64
		want  string
	}{
		{"a job that did not run is not measured", target{floor: 1}, 0, "not measured"},
		{"below the floor is said loudly", target{floor: 0.5, extreme: 0.7}, 0.49, "BELOW THE FLOOR"},
		{"between floor and extreme is the floor", target{floor: 0.5, extreme: 0.7}, 0.5, "floor"},
		{"the extreme is reached", target{floor: 0.5, extreme: 0.7}, 0.7, "extreme"},
		{"without a floor there is still an extreme to miss", target{extreme: 1}, 0.9, "below the extreme"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := tt.t.verdict(tt.ratio); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestTablesNameWhatIsAbsent(t *testing.T) {
	in := inputs{main: corpus{Events: 1000, Raw: 1e6, Stored: 1e5, list: []byte("a\x00")}}
	in.tiny = in.main
	list := jobs(in)
	for _, j := range list {
		switch j.name {
		case libdeflate, tinyLibdeflate:
			j.absent = "not installed"
		default:
			if j.absent == "" {
				j.cpu, j.wall, j.output = time.Second, time.Second, "1000 10 100"
			}
		}
	}
	text := tables(options{}, in, list)
	for _, want := range []string{
		"| `libdeflate-gunzip` | not installed | | | |",
		"| hunt, 1,000 rules | SigmaHQ's rules are not there | | | |",
		"| hunt, shipped detections | 1 | 1k | 1.00 | - |",
		"| hunt and verify in one pass, shipped detections | 1 | 1k | 1.00 | - |",
		"| hunt and verify in one pass, SigmaHQ's rules | SigmaHQ's rules are not there | | | |",
		"| 57 SigmaHQ rules, whole hunt and verification | `libdeflate-gunzip` | - | 0.35 | 0.45 | not measured |",
		"Verifying adds 0.00 s to the 1.00 s of a hunt with the shipped detections; SHA-256 alone takes 1.00 s.",
		"| inflate and CRC-32 | Go `compress/gzip` | 1.00 | 2.00 |  | BELOW THE FLOOR |",
	} {
		if !strings.Contains(text, want+"\n") {
			t.Errorf("got no line %s in\n%s", want, text)
		}
	}
}

func TestHashingHashesAsManyBytes(t *testing.T) {
	const n = windowSize + 1
	var out bytes.Buffer
	if err := childHash([]string{strconv.Itoa(n)}, &out); err != nil {
		t.Fatal(err)
	}
	if got, want := out.String(), fmt.Sprintf("%x\n", sha256.Sum256(make([]byte, n))); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestPerEventLeavesOutTheStart(t *testing.T) {
	got, ok := perEvent(&job{output: "1100 5200 20000"}, &job{output: "100 5000 10000"})
	if want := "0.2000 allocations, 10.0 bytes"; got != want || !ok {
		t.Errorf("got %q, %t, want %q", got, ok, want)
	}
	if _, ok := perEvent(&job{output: ""}, &job{output: "1 2 3"}); ok {
		t.Error("got a figure from a job that did not run, want none")
	}
}
