package mend

import (
	"os"
	"strings"
	"testing"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/awssim/simtest"
)

// Bounds that the measure has to keep, points of 100.
const (
	mostBefore = 39
	leastAlone = 92 // by changes alone
	leastAfter = 93
)

// TestProposedChangesMend scans a simulated organization, applies what is proposed and
// scans it again. With ROOTKEEP_LONG=1 it has more accounts, and all Regions.
func TestProposedChangesMend(t *testing.T) {
	accounts, regions := 6, []string{"us-east-1", "eu-west-1"}
	if os.Getenv("ROOTKEEP_LONG") == "1" {
		accounts, regions = 20, nil
	}
	o, err := New(t.Context(), accounts, simtest.In(regions...))
	if err != nil {
		t.Fatal(err)
	}
	defer o.Close()
	for name, value := range o.Environment() {
		t.Setenv(name, value)
	}
	r, err := o.Mend(t.Context(), o.Answer, o.Attest)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d points, after the changes %d, after what people do %d; %d failures, %d changes of %d kinds, %d refused, %d failures left, %d findings not known",
		r.Before, r.Alone, r.After, r.Failed, r.Applied, r.Kinds, r.Refused, len(r.Left), r.Unknown)
	if r.Before > mostBefore || r.Alone < leastAlone || r.After < leastAfter || r.Alone > r.After {
		t.Errorf("got %d points, then %d and %d: want at most %d, then at least %d and %d", r.Before, r.Alone, r.After, mostBefore, leastAlone, leastAfter)
	}
	for _, s := range r.Stopped {
		t.Errorf("stopped: %s", s)
	}
	for i := range r.Left {
		if f := &r.Left[i]; f.Reason == "" || strings.HasSuffix(f.Reason, " finds nothing to do") || strings.HasSuffix(f.Reason, "is for people: ") {
			t.Errorf("%s in %s of %s fails, and nothing says what a person does: %q", f.Control, f.Account, f.Resource, f.Reason)
		}
	}
	for i := range r.Findings {
		if f := &r.Findings[i]; f.Status == rootkeep.Unknown && len(f.Missing) == 0 {
			t.Errorf("%s in %s of %s is not known, and nothing says why", f.Control, f.Account, f.Resource)
		}
	}
}
