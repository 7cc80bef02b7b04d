package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/json"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/cloudtrail/layout"
	"github.com/rootkeep/rootkeep/internal/app"
	"github.com/rootkeep/rootkeep/internal/report"
)

func mustGenerate(t *testing.T, o options) totals {
	t.Helper()
	total, err := generate(o)
	if err != nil {
		t.Fatal(err)
	}
	return total
}

// content maps the paths below dir to the inflated content of the files.
func content(t *testing.T, dir string) map[string][]byte {
	t.Helper()
	files := map[string][]byte{}
	err := filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(p, ".gz") {
			return err
		}
		stored, err := os.ReadFile(p)
		if err != nil {
			return err
		}
		z, err := gzip.NewReader(bytes.NewReader(stored))
		if err != nil {
			return err
		}
		name, _ := filepath.Rel(dir, p)
		files[filepath.ToSlash(name)], err = io.ReadAll(z)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// digestOf is one number for a whole folder.
func digestOf(t *testing.T, dir string) [sha256.Size]byte {
	t.Helper()
	h := sha256.New()
	err := fs.WalkDir(os.DirFS(dir), ".", func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(filepath.Join(dir, p))
		io.WriteString(h, p)
		h.Write(data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return [sha256.Size]byte(h.Sum(nil))
}

func TestSameArgumentsGiveSameBytes(t *testing.T) {
	base := options{events: 5000, seed: 7, bursts: 72, story: true}
	first := base
	first.out = t.TempDir()
	mustGenerate(t, first)
	want := digestOf(t, first.out)
	tests := []struct {
		name   string
		change func(*options)
		same   bool
	}{
		{"again on one processor", func(*options) {}, true},
		{"another seed differs", func(o *options) { o.seed++ }, false},
		{"without the story differs", func(o *options) { o.story = false }, false},
		{"other bursts differ", func(o *options) { o.bursts = 50 }, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
			o := base
			o.out = t.TempDir()
			tt.change(&o)
			mustGenerate(t, o)
			if got := digestOf(t, o.out) == want; got != tt.same {
				t.Errorf("same bytes: got %t, want %t", got, tt.same)
			}
		})
	}
}

// record is what the statistics look at.
type record struct {
	UserIdentity json.RawMessage `json:"userIdentity"`
	EventSource  string          `json:"eventSource"`
	EventName    string          `json:"eventName"`
	AWSRegion    string          `json:"awsRegion"`
	ErrorCode    string          `json:"errorCode"`
	EventID      string          `json:"eventID"`
	Recipient    string          `json:"recipientAccountId"`
}

// census counts a trail.
type census struct {
	events, objects, repeats, denied int
	ids, pairs                       map[string]bool
	region, account                  map[string]int // objects
}

func count(t *testing.T, files map[string][]byte) census {
	t.Helper()
	c := census{ids: map[string]bool{}, pairs: map[string]bool{}, region: map[string]int{}, account: map[string]int{}}
	for name, data := range files {
		key, ok := layout.Parse(name)
		if !ok {
			t.Fatalf("%s: not a CloudTrail key", name)
		}
		var file struct{ Records []record }
		if err := json.Unmarshal(data, &file); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		c.objects++
		c.region[string(key.Region)]++
		c.account[string(key.Account)]++
		last := ""
		for _, r := range file.Records {
			if r.AWSRegion != string(key.Region) || r.Recipient != string(key.Account) {
				t.Fatalf("%s: record of %s %s", name, r.Recipient, r.AWSRegion)
			}
			c.events++
			c.ids[r.EventID] = true
			c.pairs[r.EventSource+r.EventName] = true
			if strings.Contains(r.ErrorCode, "AccessDenied") || strings.Contains(r.ErrorCode, "Unauthorized") {
				c.denied++
			}
			what := r.EventSource + r.EventName + string(r.UserIdentity)
			if what == last {
				c.repeats++
			}
			last = what
		}
	}
	return c
}

func TestTrailLooksLikeAFleet(t *testing.T) {
	o := options{events: 120_000, seed: 3, bursts: 72, out: t.TempDir()}
	total := mustGenerate(t, o)
	c := count(t, content(t, o.out))
	if c.events != o.events || total.events != o.events || len(c.ids) != o.events {
		t.Errorf("got %d events with %d IDs, %d reported, want %d", c.events, len(c.ids), total.events, o.events)
	}
	share := func(n, of int) float64 { return 100 * float64(n) / float64(of) }
	between := []struct {
		name           string
		got, low, high float64
	}{
		{"bytes of an event, inflated", float64(total.raw) / float64(o.events), 1400, 1620},
		{"compression", float64(total.raw) / float64(total.stored), 6.4, 7.4},
		{"percent of objects in us-east-1", share(c.region["us-east-1"], c.objects), 40, 50},
		{"percent of events that repeat the one before", share(c.repeats, c.events), 68, 76},
		{"percent refused", share(c.denied, c.events), 1, 3},
		{"pairs of source and name", float64(len(c.pairs)), 150, 220},
		{"accounts", float64(len(c.account)), 6, 6},
		{"regions", float64(len(c.region)), 10, 10},
	}
	for _, b := range between {
		if b.got < b.low || b.got > b.high {
			t.Errorf("%s: got %.2f, want %g to %g", b.name, b.got, b.low, b.high)
		}
	}
}

func TestTinyObjectsHoldFewEvents(t *testing.T) {
	o := options{events: 2000, seed: 3, bursts: 72, tiny: true, out: t.TempDir()}
	mustGenerate(t, o)
	for name, data := range content(t, o.out) {
		if n := bytes.Count(data, []byte(`"eventVersion"`)); n < 1 || n > 6 {
			t.Errorf("%s: got %d events, want 1 to 6", name, n)
		}
	}
}

func TestRecordsHaveTheOrderOfDeliveredOnes(t *testing.T) {
	o := options{events: 300, seed: 5, bursts: 0, out: t.TempDir()}
	mustGenerate(t, o)
	order := []string{
		"eventVersion", "userIdentity", "eventTime", "eventSource", "eventName", "awsRegion", "sourceIPAddress", "userAgent", "errorCode",
		"errorMessage", "requestParameters", "responseElements", "additionalEventData", "requestID", "eventID", "readOnly", "resources", "eventType",
		"managementEvent", "recipientAccountId", "vpcEndpointId", "vpcEndpointAccountId", "eventCategory", "tlsDetails", "sessionCredentialFromConsole",
	}
	rank := map[string]int{}
	for i, name := range order {
		rank[name] = i
	}
	for file, data := range content(t, o.out) {
		var records struct{ Records []json.RawMessage }
		if err := json.Unmarshal(data, &records); err != nil {
			t.Fatal(err)
		}
		for _, r := range records.Records {
			last := -1
			for _, name := range keysOf(t, r) {
				at, ok := rank[name]
				if !ok || at <= last {
					t.Fatalf("%s: key %s out of order in %s", file, name, r)
				}
				last = at
			}
		}
	}
}

// keysOf lists the keys of a JSON object in order.
func keysOf(t *testing.T, object json.RawMessage) []string {
	t.Helper()
	dec := json.NewDecoder(bytes.NewReader(object))
	if _, err := dec.Token(); err != nil {
		t.Fatal(err)
	}
	var keys []string
	for dec.More() {
		key, err := dec.Token()
		if err != nil {
			t.Fatal(err)
		}
		keys = append(keys, key.(string))
		var skipped json.RawMessage
		if err := dec.Decode(&skipped); err != nil {
			t.Fatal(err)
		}
	}
	return keys
}

func hunt(t *testing.T, dir string) *report.Hunt {
	t.Helper()
	h, err := app.Hunt(context.Background(), app.HuntConfig{Paths: []string{dir}, MinLevel: rootkeep.Medium, Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// TestStoryStandsOut holds the generator and the shipped detections to each other:
// what the story does alerts, what the fleet does all day does not.
func TestStoryStandsOut(t *testing.T) {
	o := options{events: 20_000, seed: 1, bursts: 72, story: true, out: t.TempDir()}
	mustGenerate(t, o)
	actors := map[string]int{}
	levels := map[string]int{}
	for _, a := range hunt(t, o.out).Alerts {
		actors[a.Actor.Principal]++
		levels[a.Level.String()]++
	}
	for actor := range actors {
		if actor != "root of 111122223333" && !strings.HasSuffix(actor, ":user/aws-support-sync") {
			t.Errorf("%s: got %d alerts of medium or higher, want none from daily traffic", actor, actors[actor])
		}
	}
	if levels["critical"] < 2 || levels["high"] < 5 {
		t.Errorf("got %v, want at least 2 critical and 5 high alerts", levels)
	}
}

func TestDigestsProveTheTrail(t *testing.T) {
	o := options{events: 3000, seed: 2, bursts: 72, digests: true, out: t.TempDir()}
	total := mustGenerate(t, o)
	r, err := app.Verify(context.Background(), app.VerifyConfig{Folder: o.out, Keys: []string{filepath.Join(o.out, "public-keys.json")}})
	if err != nil {
		t.Fatal(err)
	}
	if !r.Passed() || r.Logs.Valid != total.objects {
		t.Errorf("passed %t with %d valid logs, want all %d", r.Passed(), r.Logs.Valid, total.objects)
	}
}

func TestBadArgumentsAreNamed(t *testing.T) {
	full := t.TempDir()
	if err := os.WriteFile(filepath.Join(full, "x"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name string
		o    options
		want string
	}{
		{"no events", options{out: "x"}, "-events 0: want 1 or more"},
		{"bursts without end", options{events: 1, bursts: 100, out: "x"}, "-bursts 100: want 0 to 99"},
		{"no folder", options{events: 1}, "-out is required"},
		{"a folder in use", options{events: 1, out: full}, "-out " + full + " is not empty: objects of two trails would mix"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := generate(tt.o)
			if err == nil {
				t.Fatal("got no error")
			}
			if diff := cmp.Diff(tt.want, err.Error()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestTemplatesSayWhatIsWrong(t *testing.T) {
	tests := []struct{ name, text, want string }{
		{"an unclosed word", "a<bucket", "no > after <bucket"},
		{"an unknown word", "<nothing>", "unknown word <nothing>"},
		{"an unknown alphabet", "<octal:3>", "unknown word <octal:3>"},
		{"no length", "<hex:x>", "<hex:x>: want a number above 0"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := parseTemplate(tt.text, words())
			if err == nil || err.Error() != tt.want {
				t.Errorf("got %v, want %s", err, tt.want)
			}
		})
	}
}
