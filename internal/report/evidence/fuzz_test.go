package evidence_test

import (
	"bytes"
	"testing"
	"time"

	"github.com/rootkeep/rootkeep/cloudtrail/digest/digesttest"
	"github.com/rootkeep/rootkeep/internal/report/evidence"
	"github.com/rootkeep/rootkeep/ledger"
)

// FuzzCheckTrail lets anybody write what a bundle says of its files of CloudTrail, a file
// of keys, and a file with its name. The entries of such a bundle are none.
func FuzzCheckTrail(f *testing.F) {
	signer, err := digesttest.NewSigner()
	if err != nil {
		f.Fatal(err)
	}
	c := digesttest.Chain{Hours: 1, Logs: 1}
	files, _, err := c.Files(signer)
	if err != nil {
		f.Fatal(err)
	}
	keys := signer.PublicKeys(time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC), time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC))
	const said = `{"schema":"rootkeep/bundle-trail/1","from":"2026-11-21T00:00:00Z","to":"2026-11-22T00:00:00Z","keys":[{"file":"aws/keys/0","source":"x"}]}`
	f.Add([]byte(said), keys, c.DigestPath(0), files[c.DigestPath(0)])
	f.Add([]byte(said), keys, c.LogPath(0, 0), files[c.LogPath(0, 0)])
	f.Add([]byte(`{"schema":"rootkeep/bundle-trail/1","keys":[{"file":"../x"}]}`), []byte("-----BEGIN"), "a b", []byte{})
	_, public, err := ledger.NewKey("keep")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, said, keys []byte, path string, text []byte) {
		name, err := ledger.PathName(evidence.TrailCopies+"/0", path)
		if err != nil {
			name = path // as somebody else writes it
		}
		var out bytes.Buffer
		w := ledger.NewBundle(&out, "keep", []string{public}, time.Unix(1e9, 0), 0)
		for file, text := range map[string][]byte{evidence.TrailFile: said, evidence.TrailKeys + "/0": keys, name: text} {
			if err := w.Put(file, text); err != nil {
				return
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		v, err := ledger.CheckBundle(bytes.NewReader(out.Bytes()), int64(out.Len()), []string{public})
		if err != nil {
			return
		}
		r := evidence.Check(t.Context(), v, evidence.Trust{})
		if r.State == evidence.Proven || r.AWS.State == evidence.Proven || r.AWS.State == evidence.Absent {
			t.Errorf("with nobody's keys: got %s, AWS's %s", r.State, r.AWS.State)
		}
		var told bytes.Buffer
		if err := r.WriteText(&told); err != nil || bytes.ContainsAny(told.Bytes(), "\x1b\u202e") {
			t.Errorf("got %v, %q", err, told.String())
		}
	})
}
