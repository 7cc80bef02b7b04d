package anew_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/notify/anew"
)

// A receiver that closes nothing is asked to close the newest few, however often it is told.
func TestWhatIsRememberedIsBounded(t *testing.T) {
	var m map[string]string
	for i := range 20 {
		was := anew.Read(m)
		next, loud := was.After(anew.Notice{ID: fmt.Sprintf("NO-%d", i), Thread: "AL-1", Severity: rootkeep.High, Open: true})
		if loud != (i > 0) {
			t.Fatalf("notice %d: got loud %v", i, loud)
		}
		m = next.Memory()
	}
	want := anew.Message{As: "AL-1.NO-19", Level: rootkeep.High, Took: "NO-19"}
	for i := 11; i < 19; i++ {
		want.Ends = append(want.Ends, fmt.Sprintf("AL-1.NO-%d", i))
	}
	if diff := cmp.Diff(want, anew.Read(m)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestNothingIsRememberedOfWhatIsOver(t *testing.T) {
	was := anew.Message{As: "AL-1", Level: rootkeep.High, Silent: true, Took: "NO-1"}
	next, _ := was.After(anew.Notice{ID: "NO-2", Thread: "AL-1", Close: true})
	if diff := cmp.Diff([]string{"AL-1"}, next.Ends); diff != "" {
		t.Errorf("to be closed (-want +got):\n%s", diff)
	}
	next.Ended("AL-1")
	if diff := cmp.Diff(map[string]string{}, next.Memory()); diff != "" {
		t.Errorf("once it is (-want +got):\n%s", diff)
	}
}
