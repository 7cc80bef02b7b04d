package proof_test

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rootkeep/rootkeep/cloudtrail/digest"
	"github.com/rootkeep/rootkeep/cloudtrail/digest/digesttest"
	"github.com/rootkeep/rootkeep/internal/app/proof"
	"github.com/rootkeep/rootkeep/internal/app/proof/prooftest"
	"github.com/rootkeep/rootkeep/internal/report/evidence"
	"github.com/rootkeep/rootkeep/ledger"
)

// signedDay is a copy of a bucket with the records of the story: the day, and the hours
// around it.
func signedDay(t *testing.T, records [][]byte) (dir string, keys digest.Keys, file string) {
	t.Helper()
	byHour := map[time.Time][]string{}
	for _, raw := range records {
		e, err := prooftest.Event(raw)
		if err != nil {
			t.Fatal(err)
		}
		byHour[e.Time.Truncate(time.Hour)] = append(byHour[e.Time.Truncate(time.Hour)], string(raw))
	}
	c := digesttest.Chain{Hours: 29, Start: prooftest.Day.Add(-time.Hour)}
	plain, hour := c, 0
	c.LogsOf = func(start, _ time.Time) []digesttest.Log {
		defer func() { hour++ }()
		list := byHour[start.Truncate(time.Hour)]
		if len(list) == 0 {
			return nil
		}
		text := []byte(`{"Records":[` + strings.Join(list, ",") + `]}`)
		return []digesttest.Log{{Object: plain.LogKey(hour, 0), Sum: sha256.Sum256(text), Gzip: digesttest.Gzip(text)}}
	}
	signer, err := digesttest.NewSigner()
	if err != nil {
		t.Fatal(err)
	}
	files, _, err := c.Files(signer)
	if err != nil {
		t.Fatal(err)
	}
	b := &bucket{Chain: plain, files: files}
	file = filepath.Join(t.TempDir(), "keys.json")
	if err := digesttest.WriteFiles(filepath.Dir(file), map[string][]byte{"keys.json": signer.PublicKeys(c.Start.AddDate(0, -1, 0), c.Start.AddDate(0, 2, 0))}); err != nil {
		t.Fatal(err)
	}
	if _, keys, err = proof.ReadAWSKeys(file); err != nil {
		t.Fatal(err)
	}
	return b.write(t), keys, file
}

// A verdict whose event is in a log file that AWS signed is known whoever keeps the ledger;
// an event in one that has no verdict is named.
func TestEventsAreFoundInWhatAWSSigned(t *testing.T) {
	b := newRootBook(t, filepath.Join(t.TempDir(), "rootkeep.db"))
	missed := prooftest.Missed()
	for name, test := range map[string]struct {
		records [][]byte
		state   evidence.State
		proven  int
		lost    int
	}{
		"all of them":                    {b.Records, evidence.Proven, 7, 0},
		"one that nobody judged besides": {append(slices.Clone(b.Records), missed), evidence.Unproven, 7, 1},
		"one of them is missing":         {b.Records[1:], evidence.Unproven, 6, 0},
	} {
		t.Run(name, func(t *testing.T) {
			dir, keys, _ := signedDay(t, test.records)
			text, _ := b.export(prooftest.Day, prooftest.Day.AddDate(0, 0, 1), &proof.TrailConfig{Paths: []string{dir}})
			r := b.check(text, keys)
			if len(r.Faults) > 0 || r.AWS.State != evidence.Proven {
				t.Fatalf("got %v, AWS's %+v", r.Faults, r.AWS)
			}
			proven := 0
			for _, v := range r.RootUsers.Verdicts {
				if v.Event == evidence.Proven && strings.HasPrefix(v.Log, "aws/copy/0/") {
					proven++
				}
			}
			if r.State != test.state || r.RootUsers.AWS != test.state || proven != test.proven || len(r.RootUsers.Unjudged) != test.lost {
				t.Errorf("got %s, %s, %d proven, unjudged %+v, want %s, %d, %d", r.State, r.RootUsers.AWS, proven, r.RootUsers.Unjudged, test.state, test.proven, test.lost)
			}
		})
	}
}

// files takes a bundle apart.
func files(t *testing.T, text []byte) (names []string, all map[string][]byte) {
	t.Helper()
	z, err := zip.NewReader(bytes.NewReader(text), int64(len(text)))
	if err != nil {
		t.Fatal(err)
	}
	all = map[string][]byte{}
	for _, f := range z.File {
		in, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		if all[f.Name], err = io.ReadAll(in); err != nil {
			t.Fatal(err)
		}
		names = append(names, f.Name)
	}
	return names, all
}

// packed puts a bundle together as rootkeep does. anew gives the manifest the hashes of
// the files as they are.
func packed(t *testing.T, names []string, all map[string][]byte, anew bool) []byte {
	t.Helper()
	var m ledger.Manifest
	if err := json.Unmarshal(all["manifest.json"], &m); err != nil {
		t.Fatal(err)
	}
	all = maps.Clone(all)
	if anew {
		m.Files = slices.DeleteFunc(m.Files, func(f ledger.File) bool { _, there := all[f.Name]; return !there })
		for i := range m.Files {
			sum := sha256.Sum256(all[m.Files[i].Name])
			m.Files[i].Size, m.Files[i].SHA256 = int64(len(all[m.Files[i].Name])), hex.EncodeToString(sum[:])
		}
		for _, name := range names {
			if name != "manifest.json" && !slices.ContainsFunc(m.Files, func(f ledger.File) bool { return f.Name == name }) {
				sum := sha256.Sum256(all[name])
				m.Files = append(m.Files, ledger.File{Name: name, Size: int64(len(all[name])), SHA256: hex.EncodeToString(sum[:])})
			}
		}
		var err error
		if all["manifest.json"], err = json.MarshalIndent(m, "", " "); err != nil {
			t.Fatal(err)
		}
	}
	var out bytes.Buffer
	z := zip.NewWriter(&out)
	for _, name := range names {
		if _, there := all[name]; !there {
			continue
		}
		w, err := z.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Store, Modified: m.Created})
		if err == nil {
			_, err = w.Write(all[name])
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// damages are what somebody may do to a file.
var damages = map[string]func([]byte) []byte{
	"a flipped bit": func(b []byte) []byte { b[len(b)/2] ^= 1; return b },
	"a byte more":   func(b []byte) []byte { return append(b, ' ') },
	"a byte less":   func(b []byte) []byte { return b[:len(b)-1] },
	"nothing left":  func([]byte) []byte { return []byte{} },
	"gone":          func([]byte) []byte { return nil },
}

// signedElsewhere says whether a file is one that checking knows the content of without the
// manifest. Pages and what the manifest alone knows are for people.
func signedElsewhere(name string) bool {
	switch {
	case name == "manifest.json", name == "README.txt", name == "index.html", name == evidence.RootPage, strings.HasPrefix(name, "aws/"):
		return false
	}
	return true
}

// Whoever changes a file of a bundle about root in any way is told of by name. Whoever
// makes the manifest fit as well is told of by what the entries tell.
func TestEveryDamageToABundleAboutRootIsSeen(t *testing.T) {
	b := newRootBook(t, filepath.Join(t.TempDir(), "rootkeep.db"))
	dir, keys, file := signedDay(t, b.Records)
	text, _ := b.export(prooftest.Day, prooftest.Day.Add(2*time.Hour), &proof.TrailConfig{Paths: []string{dir}, Keys: []string{file}})
	names, all := files(t, text)
	if r := b.check(packed(t, names, all, true), keys); r.State != evidence.Proven || r.RootUsers.Signed != 2 {
		t.Fatalf("a bundle that is packed again: got %s, %v, %+v", r.State, r.Faults, r.RootUsers)
	}
	kinds := slices.Sorted(maps.Keys(damages))
	tried := 0
	for i, name := range names {
		for k, kind := range kinds {
			if strings.Contains("entries receipts payloads", strings.Split(name, "/")[0]) && k != i%len(kinds) {
				continue // there are many of them, and all are alike
			}
			damage := damages[kind]
			for _, anew := range []bool{false, true} {
				if anew && !signedElsewhere(name) {
					continue
				}
				changed := maps.Clone(all)
				if changed[name] = damage(bytes.Clone(all[name])); changed[name] == nil {
					delete(changed, name)
				}
				if name == "manifest.json" && changed[name] == nil || bytes.Equal(changed[name], all[name]) && changed[name] != nil {
					continue // packing needs one; an empty file stays so
				}
				tried++
				r := b.check(repacked(t, names, all, changed, anew), keys)
				if anew && strings.HasPrefix(name, "root/events/") && r.State != evidence.Broken {
					// What a record says beside the event of its verdict AWS alone has signed; a
					// record may be missing, and spaces say nothing.
					if kind != "a byte more" && r.RootUsers.Signed == 2 {
						t.Errorf("%s of %s: got a record that AWS signed", kind, name)
					}
					continue
				}
				if r.State != evidence.Broken || !slices.ContainsFunc(r.Faults, func(f evidence.Fault) bool { return told(f, name) }) {
					t.Errorf("%s of %s, manifest anew %t: got %s, %v", kind, name, anew, r.State, r.Faults)
				}
			}
		}
	}
	if tried < 250 {
		t.Errorf("%d damages were tried, want more", tried)
	}
}

// repacked packs changed files. The manifest of the original says when it was made.
func repacked(t *testing.T, names []string, all, changed map[string][]byte, anew bool) []byte {
	if !json.Valid(changed["manifest.json"]) {
		whole := packed(t, names, all, false)
		return bytes.Replace(whole, all["manifest.json"], changed["manifest.json"], 1)
	}
	return packed(t, names, changed, anew)
}

// told says whether a fault names a file, or the entry that it belongs to.
func told(f evidence.Fault, name string) bool {
	if name == "manifest.json" || strings.Contains(f.Text, name) || name == "checkpoint" {
		return true
	}
	number := strings.FieldsFunc(strings.TrimPrefix(strings.TrimPrefix(strings.TrimPrefix(name, "entries/"), "receipts/"), "payloads/"), func(r rune) bool { return r < '0' || r > '9' })
	return len(number) > 0 && strings.Contains(f.Text, number[0])
}
