package digest_test

import (
	"bytes"
	"fmt"
	"testing"
	"testing/fstest"

	"github.com/rootkeep/rootkeep/cloudtrail/digest"
	"github.com/rootkeep/rootkeep/cloudtrail/digest/digesttest"
)

// Whoever sends a copy decides what it inflates to; whoever reads it, how far.
func TestWhatInflatesToMoreThanIsReadIsUnknown(t *testing.T) {
	signer, err := digesttest.NewSigner()
	if err != nil {
		t.Fatal(err)
	}
	c := digesttest.Chain{Hours: 3, Logs: 2}
	files, _, err := c.Files(signer)
	if err != nil {
		t.Fatal(err)
	}
	for hour := range 3 {
		files[c.LogPath(hour, 0)] = digesttest.Gzip(bytes.Repeat([]byte(" "), 8<<20))
	}
	copied := fstest.MapFS{}
	for path, text := range files {
		copied[path] = &fstest.MapFile{Data: text}
	}
	keys, err := digest.ParseKeys(signer.PublicKeys(c.Start, c.Start.AddDate(3000, 0, 0)))
	if err != nil {
		t.Fatal(err)
	}
	for most, unread := range map[int64]int{0: 0, 64 << 20: 0, 12 << 20: 2} {
		t.Run(fmt.Sprintf("%d MiB", most>>20), func(t *testing.T) {
			progress := new(digest.Progress)
			r, err := digest.Verify(t.Context(), copied, digest.Options{Keys: keys, MaxInflated: most, Workers: 1, Progress: progress})
			if err != nil {
				t.Fatal(err)
			}
			if got := r.Digests.Unknown + r.Logs.Unknown; got < unread || unread == 0 && got > 0 || r.Logs.Invalid+r.Logs.Unknown < 3 {
				t.Errorf("%d files are unknown, want %d or more: digests %+v, logs %+v", got, unread, r.Digests, r.Logs)
			}
			if read := progress.Inflated.Load(); most > 0 && read > most+1<<20 {
				t.Errorf("%d bytes were inflated, want at most %d", read, most)
			}
		})
	}
}
