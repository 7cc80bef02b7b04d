package assessment_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/facts"
	"github.com/rootkeep/rootkeep/internal/posture"
	"github.com/rootkeep/rootkeep/internal/report/assessment"
	"github.com/rootkeep/rootkeep/internal/report/assessment/assessmenttest"
)

// scanOf is a scan of accounts by controls.
func scanOf(controls string, findings map[rootkeep.AccountID][]rootkeep.Finding) *assessment.Assessment {
	var list []*posture.Control
	for id := range strings.FieldsSeq(controls) {
		list = append(list, &posture.Control{ID: id})
	}
	a := assessment.New("v", assessmenttest.Day, list)
	for id, found := range findings {
		for i := range found {
			found[i].Account = id
		}
		a.Add(&facts.Snapshot{Account: id}, found)
	}
	a.Finish()
	return a
}

const here = rootkeep.AccountID("111122223333")

func one(control, resource string, s rootkeep.Status) map[rootkeep.AccountID][]rootkeep.Finding {
	return map[rootkeep.AccountID][]rootkeep.Finding{here: {{Control: control, Resource: resource, Status: s}}}
}

func TestChangesAreToldApart(t *testing.T) {
	const pass, fail, unknown, none, excepted = rootkeep.Pass, rootkeep.Fail, rootkeep.Unknown, rootkeep.NotApplicable, rootkeep.Excepted
	nothing := map[rootkeep.AccountID][]rootkeep.Finding{here: {}}
	for _, c := range []struct {
		name        string
		before, now map[rootkeep.AccountID][]rootkeep.Finding
		want        string // new, fixed, gone, newly unknown, unchanged, changed
	}{
		{"a failure begins", one("A", "r", pass), one("A", "r", fail), "1 0 0 0 0 0"},
		{"a failure is known only now", one("A", "r", unknown), one("A", "r", fail), "1 0 0 0 0 0"},
		{"an exception ends", one("A", "r", excepted), one("A", "r", fail), "1 0 0 0 0 0"},
		{"a new resource fails", nothing, one("A", "r", fail), "1 0 0 0 0 0"},
		{"a failure is fixed", one("A", "r", fail), one("A", "r", pass), "0 1 0 0 0 0"},
		{"what was accepted is fixed", one("A", "r", excepted), one("A", "r", none), "0 1 0 0 0 0"},
		{"what becomes unknown is not fixed", one("A", "r", fail), one("A", "r", unknown), "0 0 0 1 0 0"},
		{"a pass becomes unknown", one("A", "r", pass), one("A", "r", unknown), "0 0 0 1 0 0"},
		{"an exception begins", one("A", "r", fail), one("A", "r", excepted), "0 0 0 0 0 1"},
		{"what was unknown passes", one("A", "r", unknown), one("A", "r", pass), "0 0 0 0 0 1"},
		{"nothing changes", one("A", "r", fail), one("A", "r", fail), "0 0 0 0 1 0"},
		{"the resource is gone", one("A", "r", fail), nothing, "0 0 1 0 0 0"},
		{"a resource that passed is gone", one("A", "r", pass), nothing, "0 0 0 0 0 0"},
		{"the list of resources is unknown, so none is gone", one("A", "r", fail), one("A", "account", unknown), "0 0 0 1 0 1"},
		{"another account was scanned", one("A", "r", fail), map[rootkeep.AccountID][]rootkeep.Finding{"999988887777": {{Control: "A", Resource: "r", Status: fail}}}, "0 0 0 0 0 0"},
		{"a control that the earlier scan did not have", one("A", "r", pass), one("NEW", "r", fail), "0 0 0 0 0 0"},
		{"another Region is another finding", one("A", "r", fail), map[rootkeep.AccountID][]rootkeep.Finding{here: {{Control: "A", Region: "eu-west-1", Resource: "r", Status: fail}}}, "1 0 1 0 0 0"},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := scanOf("A NEW", c.now)
			a.Compare(scanOf("A", c.before), "earlier.json")
			d := a.Since
			if got := fmt.Sprint(len(d.New), len(d.Fixed), len(d.Gone), len(d.NewlyUnknown), d.Unchanged, d.Changed); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
			if diff := cmp.Diff([]string{"NEW"}, d.NewControls); diff != "" {
				t.Errorf("new controls (-want +got):\n%s", diff)
			}
		})
	}
}

func TestAccountsOfOneScanAreNamed(t *testing.T) {
	a := scanOf("A", one("A", "r", rootkeep.Fail))
	a.Compare(scanOf("A", map[rootkeep.AccountID][]rootkeep.Finding{"": {{Control: "A", Resource: "r", Status: rootkeep.Fail}}}), "earlier.json")
	var b bytes.Buffer
	if err := a.Text(&b, assessment.TextOptions{}); err != nil {
		t.Fatal(err)
	}
	if want := "not compared: 2 accounts of one of the scans alone (111122223333, one of unknown number)"; !strings.Contains(b.String(), want) {
		t.Errorf("got no %q in\n%s", want, &b)
	}
}

// A scan compared with itself is unchanged, whatever is in it; and every change one way
// that is a new failure is none the other way.
func TestAScanIsLikeItself(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	random := func() map[rootkeep.AccountID][]rootkeep.Finding {
		out := map[rootkeep.AccountID][]rootkeep.Finding{}
		for n := range 3 {
			id := rootkeep.AccountID(fmt.Sprintf("%012d", n))
			for i := range 20 {
				if r.IntN(4) > 0 {
					out[id] = append(out[id], rootkeep.Finding{Control: string(rune('A' + i%3)), Resource: fmt.Sprint(i), Status: rootkeep.Status(r.IntN(5))})
				}
			}
		}
		return out
	}
	for range 50 {
		x, y := scanOf("A B C", random()), scanOf("A B C", random())
		x.Compare(x, "x")
		if d := x.Since; len(d.New)+len(d.Fixed)+len(d.Gone)+len(d.NewlyUnknown)+d.Changed != 0 || d.Unchanged != len(x.Findings) {
			t.Fatalf("with itself: got %+v", d)
		}
		x.Compare(y, "y")
		was := map[string]rootkeep.Status{}
		for i := range y.Findings {
			was[y.Findings[i].ID()] = y.Findings[i].Status
		}
		n := 0
		for i := range x.Findings {
			if f := &x.Findings[i]; f.Status == rootkeep.Fail {
				if s, ok := was[f.ID()]; !ok || s != rootkeep.Fail {
					n++
				}
			}
		}
		if len(x.Since.New) != n {
			t.Fatalf("got %d new failures, want %d", len(x.Since.New), n)
		}
	}
}

func TestEarlierReportsReadBack(t *testing.T) {
	a := assessmenttest.Story()
	text, err := json.Marshal(a)
	if err != nil {
		t.Fatal(err)
	}
	back, err := assessment.ReadEarlier(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	again := assessmenttest.Story()
	again.Compare(back, "report.json")
	if d := again.Since; d.Unchanged != len(again.Findings) || len(d.NotCompared) > 0 {
		t.Errorf("got %+v, want everything unchanged", d)
	}
	for _, c := range []struct{ name, text, want string }{
		{"another schema", `{"schema": "rootkeep/hunt/1"}`, `schema "rootkeep/hunt/1", want rootkeep/scan/1`},
		{"half a report", `{"schema": "rootkeep/scan/1", "findings": [{`, "unexpected EOF"},
		{"a status that does not exist", `{"schema": "rootkeep/scan/1", "findings": [{"status": "fine"}]}`, `status "fine"`},
	} {
		if _, err := assessment.ReadEarlier(strings.NewReader(c.text)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %q", c.name, err, c.want)
		}
	}
}

func FuzzReadEarlier(f *testing.F) {
	text, err := json.Marshal(assessmenttest.Story())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	f.Add([]byte(`{"schema": "rootkeep/scan/1", "findings": [{"control": "\u0000", "account": "x"}], "accounts": [{}]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		earlier, err := assessment.ReadEarlier(bytes.NewReader(text))
		if err != nil {
			return
		}
		a := assessmenttest.Story()
		a.Compare(earlier, "fuzz.json")
		var b bytes.Buffer
		if err := a.Text(&b, assessment.TextOptions{}); err != nil || strings.ContainsAny(b.String(), "\x1b\u202e") {
			t.Errorf("got %v and %q", err, b.String())
		}
	})
}
