package digest_test

import (
	"bytes"
	"fmt"
	"sync"
	"testing"
	"testing/fstest"
	"time"

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

func TestDigestsThatNameLogsWithoutEnd(t *testing.T) {
	signer, err := digesttest.NewSigner()
	if err != nil {
		t.Fatal(err)
	}
	files, _, err := digesttest.Chain{Hours: 4, Logs: 3}.Files(signer)
	if err != nil {
		t.Fatal(err)
	}
	copied := fstest.MapFS{}
	for path, text := range files {
		copied[path] = &fstest.MapFile{Data: text}
	}
	keys, err := digest.ParseKeys(signer.PublicKeys(time.Time{}, time.Time{}.AddDate(3000, 0, 0)))
	if err != nil {
		t.Fatal(err)
	}
	for most, want := range map[int64]digest.Count{0: {Valid: 4}, 12: {Valid: 4}, 11: {Valid: 3, Unknown: 1}, 2: {Unknown: 4}} {
		var mu sync.Mutex
		told := map[digest.Kind]int{}
		r, err := digest.Verify(t.Context(), copied, digest.Options{Keys: keys, MaxNamed: most, Each: func(v digest.Verdict) {
			mu.Lock()
			defer mu.Unlock()
			told[v.Kind]++
		}})
		if err != nil {
			t.Fatal(err)
		}
		if r.Digests != want || told[digest.KindDigest] != 4 || told[digest.KindLog] != 3*want.Valid || len(r.Chains[0].Verdicts) > 0 {
			t.Errorf("at most %d: got %+v and %v, want %+v", most, r.Digests, told, want)
		}
	}
}
