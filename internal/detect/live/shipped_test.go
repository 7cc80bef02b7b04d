package live_test

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/cloudtrail"
	"github.com/rootkeep/rootkeep/internal/detect"
	"github.com/rootkeep/rootkeep/internal/detect/live"
	"github.com/rootkeep/rootkeep/internal/detect/origin"
	"github.com/rootkeep/rootkeep/internal/lot"
	"github.com/rootkeep/rootkeep/internal/rule"
)

// places is an atlas of two countries.
func places(t testing.TB) *origin.Atlas {
	t.Helper()
	a := &origin.Atlas{}
	a.AddPlace(netip.MustParsePrefix("203.0.113.0/25"), origin.Place{Country: "DE", ASN: 64500, Network: "Example"})
	a.AddPlace(netip.MustParsePrefix("198.51.100.0/24"), origin.Place{Country: "BR", ASN: 64501, Network: "Elsewhere"})
	return a
}

// drawAny are base events of every kind but those that tell of watched resources: a
// hunt judges by what all of its input tells, live detection by what it has heard.
func drawAny(t *rapid.T, bases rule.Bases, names []string) []record {
	span := rapid.SampledFrom([]int{900, 3 * 3600, 30 * 3600}).Draw(t, "span")
	var out []record
	for i := range rapid.IntRange(1, 60).Draw(t, "events") {
		set := map[string]any{}
		if rapid.Bool().Draw(t, "moved") {
			set["sourceIPAddress"] = rapid.SampledFrom([]string{"203.0.113.7", "198.51.100.7", "192.0.2.1", "AWS Internal"}).Draw(t, "address")
		}
		if rapid.IntRange(0, 4).Draw(t, "failed") == 0 {
			set["errorCode"] = rapid.SampledFrom([]string{"AccessDenied", "Throttling"}).Draw(t, "error")
		}
		at := time.Duration(rapid.IntRange(0, span).Draw(t, "at")) * time.Second
		out = append(out, event(t, bases, rapid.SampledFrom(names).Draw(t, "base"), uuid(i), at, set))
	}
	return out
}

func TestTheShippedRulesAgreeWithAHunt(t *testing.T) {
	pack, bases := shipped(t)
	var names []string
	for _, name := range slices.Sorted(maps.Keys(bases)) {
		if !slices.Contains([]string{"create-trail", "update-trail", "put-event-selectors", "put-advanced-event-selectors", "create-trail-foreign"}, name) {
			names = append(names, name)
		}
	}
	frequent := []string{"root-signin-failure", "root-signin-failure", "root-signin", "get-secret-value", "list-users-denied"}
	atlas := places(t)
	lot.Check(t, func(t *rapid.T) {
		lateness := rapid.SampledFrom([]time.Duration{15 * time.Minute, live.DefaultLateness}).Draw(t, "lateness")
		from := names
		if rapid.Bool().Draw(t, "frequent") {
			from = frequent
		}
		records := drawAny(t, bases, from)
		delivered := deliver(t, records, lateness)
		o := live.Options{Lateness: lateness, Atlas: atlas}
		s := replay(t, pack, o, delivered)
		observed, now := last(delivered, lateness)
		newWatch(t, pack, s, o).step(now)
		compare(t, pack, hunt(t, pack, detect.Options{Observed: time.Unix(observed, 0), Atlas: atlas}, records), s)
	})
}

// The corpora are logs of attacks that others recorded. Every record comes up to 15
// minutes late, all come twice, and the process ends again and again.
func TestCorporaAgreeWithAHunt(t *testing.T) {
	pack, _ := shipped(t)
	for _, name := range []string{"stratus", "panther"} {
		t.Run(name, func(t *testing.T) {
			records := corpus(t, name)
			r := rand.New(rand.NewPCG(8, 15))
			delivered := slices.Concat(records, records)
			for i := range delivered {
				delivered[i].comes += r.Int64N(15 * 60)
			}
			slices.SortStableFunc(delivered, func(a, b record) int { return cmp.Compare(a.comes, b.comes) })
			s := newStore()
			for portion := range slices.Chunk(delivered, 7) {
				w := newWatch(t, pack, s, live.Options{})
				for _, one := range portion {
					w.observe(one)
				}
				w.step(portion[len(portion)-1].comes)
			}
			observed, now := last(delivered, live.DefaultLateness)
			newWatch(t, pack, s, live.Options{}).step(now)
			want := hunt(t, pack, detect.Options{Observed: time.Unix(observed, 0)}, records)
			if len(want.Alerts) == 0 {
				t.Fatal("the hunt found nothing to compare")
			}
			compare(t, pack, want, s)
		})
	}
}

// corpus reads the records of a corpus, but those that tell of watched resources. A
// record without an ID of its own gets one, as all are delivered twice.
func corpus(t *testing.T, name string) []record {
	t.Helper()
	files, err := filepath.Glob("../../../../shared/corpora/" + name + "/*.json")
	if err != nil || len(files) == 0 {
		t.Skipf("skipped: ../shared/corpora/%s is not there", name)
	}
	var out []record
	ids := map[string]bool{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range logs(t, text) {
			if teaches := slices.Contains([]any{"CreateTrail", "UpdateTrail", "PutEventSelectors"}, e["eventName"]); teaches {
				continue
			}
			if id, _ := e["eventID"].(string); id == "" || ids[id] {
				e["eventID"] = uuid(len(out))
			} else {
				ids[id] = true
			}
			when, _ := e["eventTime"].(string)
			at, _ := cloudtrail.ParseTime([]byte(when))
			out = append(out, newRecord(t, e, time.Unix(at, 0), filepath.Base(file)))
		}
	}
	return out
}

// logs are the records of a file of a corpus: an array, or the logs of Panther's tests.
func logs(t *testing.T, text []byte) (out []map[string]any) {
	t.Helper()
	var file struct {
		Tests []struct {
			Log map[string]any `json:"log"`
		} `json:"tests"`
	}
	if json.Unmarshal(text, &out) == nil {
		return out
	}
	if err := json.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	for _, one := range file.Tests {
		if one.Log["eventName"] != nil {
			out = append(out, one.Log)
		}
	}
	return out
}

// Four engines that own the groups between them come to what one comes to, whatever
// changes hands at a restart.
func TestSharesOfFourEnginesAreOneWhole(t *testing.T) {
	pack := everyType(t)
	_, bases := shipped(t)
	lot.Check(t, func(t *rapid.T) {
		records := drawCalls(t, bases)
		delivered := deliver(t, records, live.DefaultLateness)
		s := newStore()
		var engines []*watch
		salt := uint64(0)
		start := func() {
			engines = nil
			for part := range uint64(4) {
				engines = append(engines, newWatch(t, pack, s, live.Options{
					Owns: func(hash uint64) bool { return (hash+salt)%4 == part }, Part: fmt.Sprint(part),
				}))
			}
		}
		start()
		router := newWatch(t, pack, newStore(), live.Options{})
		step := func(now int64) {
			for _, w := range engines {
				w.step(now)
			}
		}
		for _, one := range delivered {
			rec, err := router.reader.One(one.raw)
			if err != nil {
				t.Fatalf("%v", err)
			}
			groups, everywhere := router.engine.Route(rec)
			for part, w := range engines {
				if everywhere || slices.ContainsFunc(groups, func(h uint64) bool { return (h+salt)%4 == uint64(part) }) {
					w.observe(one)
				}
			}
			if rapid.IntRange(0, 3).Draw(t, "step") == 0 {
				step(one.comes)
			}
			if rapid.IntRange(0, 9).Draw(t, "hand over") == 0 {
				step(one.comes)
				salt++
				start()
			}
		}
		observed, now := last(delivered, live.DefaultLateness)
		step(now)
		compare(t, pack, hunt(t, pack, detect.Options{Observed: time.Unix(observed, 0)}, records), s)
	})
}

// A log that says what it does not say anywhere else: a record whose ID another has.
func TestAlteredRecordsAreJudged(t *testing.T) {
	pack, bases := shipped(t)
	harmless := event(t, bases, "get-secret-value", uuid(1), 0, nil)
	telling := event(t, bases, "stop-logging", uuid(1), time.Second, nil)
	s := newStore()
	w := newWatch(t, pack, s, live.Options{})
	for _, r := range []record{harmless, telling, harmless, telling} {
		w.observe(r)
		w.step(monday.Unix() + 10)
	}
	titles := func(a []rootkeep.Alert) (out []string) {
		for _, one := range a {
			out = append(out, fmt.Sprint(one.Title, " ", one.Count))
		}
		slices.Sort(out)
		return out
	}
	want := titles(hunt(t, pack, detect.Options{}, []record{harmless, telling}).Alerts)
	if diff := gocmp.Diff(want, titles(s.found())); diff != "" {
		t.Errorf("alerts (-hunt of each once +live):\n%s", diff)
	}
	if s.totals.Duplicates != 2 {
		t.Errorf("duplicates: got %d, want the second of each", s.totals.Duplicates)
	}
}
