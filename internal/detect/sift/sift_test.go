package sift_test

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rootkeep/rootkeep/cloudtrail"
	"github.com/rootkeep/rootkeep/content"
	"github.com/rootkeep/rootkeep/internal/detect"
	"github.com/rootkeep/rootkeep/internal/detect/sift"
	"github.com/rootkeep/rootkeep/internal/rule"
)

// records are all base events, and some that no rule matches, each once more with something odd in it.
func records(t *testing.T) []string {
	t.Helper()
	bases, err := rule.LoadBases(content.Files, "events")
	if err != nil {
		t.Fatal(err)
	}
	names, err := fs.Glob(content.Files, "events/*.json")
	if err != nil {
		t.Fatal(err)
	}
	odd := []map[string]any{
		{}, {"eventID": "no UUID"}, {"eventTime": "never"}, {"recipientAccountId": ""}, {"recipientAccountId": "12345678901"}, {"awsRegion": "\u2028<&>\\"},
		{"eventID": nil}, {"userIdentity.accountId": "999999999999"}, {"sourceIPAddress": "203.0.113.7"}, {"awsRegion": 7},
	}
	var out []string
	quiet := map[string]any{"eventName": "DescribeInstanceStatus", "userIdentity.accessKeyId": "ASIAEXAMPLEEXAMPLE00", "userIdentity.type": "AssumedRole"}
	for i, name := range append(names, slices.Repeat([]string{"user-describe-instances"}, 5*len(odd))...) {
		for j, set := range []map[string]any{{}, odd[i%len(odd)]} {
			if i >= len(names) {
				set = maps.Clone(set)
				maps.Copy(set, quiet)
			}
			e, err := rule.Patch{Base: strings.TrimSuffix(path.Base(name), ".json"), Set: set}.Apply(bases)
			if err != nil {
				t.Fatal(err)
			}
			switch id, given := set["eventID"]; {
			case !given:
				e["eventID"] = fmt.Sprintf("%08x-0000-4000-8000-%012x", i, j)
			case id != nil: // what becomes of several with one ID goes by a hash with a seed of its own
				e["eventID"] = fmt.Sprintf("%v %d", id, i)
			}
			text, err := json.Marshal(e)
			if err != nil {
				t.Fatal(err)
			}
			out = append(out, string(text))
		}
	}
	return out
}

// hunt hunts through records and gives the result as JSON.
func hunt(t *testing.T, pack *detect.Pack, list []string) string {
	t.Helper()
	h, err := detect.NewHunt(pack, detect.Options{DedupMemory: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	w := h.NewWorker()
	reader := newReader(t, h.Fields(), h.Derived())
	for i, text := range list {
		rec, err := reader.One([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		rec.Offset = int64(i)
		w.Observe(rec, "log")
	}
	result, err := h.Finish([]*detect.Worker{w})
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.MarshalIndent(result, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func newReader(t *testing.T, paths []string, derived int) *cloudtrail.Reader {
	t.Helper()
	fields, err := cloudtrail.CompileFields(paths)
	if err != nil {
		t.Fatal(err)
	}
	return cloudtrail.NewReader(fields, cloudtrail.Options{Derived: derived})
}

func TestAHuntThroughWhatIsLeftFindsTheSame(t *testing.T) {
	pack, err := detect.Load([]rule.Source{{FS: content.Files, Dir: "detections"}}, detect.LoadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	s, err := sift.New(pack, nil)
	if err != nil {
		t.Fatal(err)
	}
	list := records(t)
	reader := newReader(t, s.Fields(), s.Derived())
	var left []string
	whole := 0
	for i, text := range list {
		rec, err := reader.One([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		rec.Offset = int64(i)
		r := s.Sift(rec, "log")
		if r.Offset != int64(i) || len(r.Raw) > len(text) {
			t.Errorf("record %d: got offset %d and %d bytes of %d", i, r.Offset, len(r.Raw), len(text))
		}
		if string(r.Raw) == text {
			whole++
		}
		left = append(left, string(r.Raw))
	}
	if diff := cmp.Diff(hunt(t, pack, list), hunt(t, pack, left)); diff != "" {
		t.Errorf("the hunt (-whole +left):\n%s", diff)
	}
	if whole == 0 || whole == len(list) {
		t.Errorf("%d of %d records stay whole, want some", whole, len(list))
	}
}
