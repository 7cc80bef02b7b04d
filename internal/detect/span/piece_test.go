package span

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/detect/seen"
	"github.com/rootkeep/rootkeep/internal/detect/tally"
)

// A text for which the joint names have no room is not lost with its number.
func TestEvidenceOutlivesFullNames(t *testing.T) {
	id, ok := seen.ParseID([]byte("aaaaaaaa-0000-4000-8000-00000000000b"))
	if !ok {
		t.Fatal("no ID")
	}
	for _, room := range []bool{true, false} {
		var from, joint tally.Names
		p := Piece{Time: 1, ID: id, File: "f", Name: from.Number([]byte("GetObject")), Address: from.Number([]byte("192.0.2.1"))}
		want := rootkeep.Event{Time: p.Event(&from).Time, ID: id.String(), Name: "GetObject", Address: "192.0.2.1", File: "f"}
		joint.Number([]byte("another"))
		to := joint.Merge(&from)
		if !room {
			to[p.Address] = tally.Others
		}
		r := &Span{}
		r.Keep(p)
		r.Renumber(&from, to)
		if diff := cmp.Diff(want, r.Events[0].Event(&joint)); diff != "" {
			t.Errorf("room %t (-want +got):\n%s", room, diff)
		}
		again := Whole(&want)
		if r.Keep(again); len(r.Events) != 1 {
			t.Errorf("room %t: the same event twice: got %d pieces, want 1", room, len(r.Events))
		}
	}
}

// What was pushed out is not charged for.
func TestWholeEvidenceIsChargedWhileItIsKept(t *testing.T) {
	r := &Span{}
	for i := range 5000 {
		r.Keep(Whole(&rootkeep.Event{Time: time.Unix(int64(10_000-i), 0), ID: "no UUID"}))
	}
	if size := r.Grown(); len(r.Events) != Evidence || size > 16<<10 {
		t.Errorf("got %d events for %d bytes, want %d for a few KB", len(r.Events), size, Evidence)
	}
}
