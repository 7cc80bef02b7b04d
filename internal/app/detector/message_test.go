package detector

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestRecordsTravelWithTheirPlaceIfNothingElseTellsThemApart(t *testing.T) {
	named := Record{Object: "a", Raw: []byte(`{"eventID":"e"}`), Groups: []uint64{1}}
	first, second := Record{Object: "a", Raw: []byte("{}"), Groups: []uint64{1}, Number: 1}, Record{Object: "a", Raw: []byte("{}"), Groups: []uint64{1}, Number: 2}
	ids := map[string]bool{}
	for _, r := range []Record{named, first, second} {
		list := r.Messages(4)
		if len(list) != 1 {
			t.Fatalf("got %d messages, want one", len(list))
		}
		ids[list[0].ID] = true
		got, err := ReadMessage(list[0].Data)
		want := r
		want.Groups = nil // the part knows its own
		if err != nil || !cmp.Equal(want, got) {
			t.Errorf("got %+v, %v, want %+v", got, err, want)
		}
	}
	if len(ids) != 3 {
		t.Errorf("got %d IDs of three records", len(ids))
	}
	if data := named.Messages(4)[0].Data; data[0] != messageVersion {
		t.Errorf("a record with an ID travels in version %d, which older processes cannot read", data[0])
	}
	again := first.Messages(4)
	if !ids[again[0].ID] {
		t.Error("the same record of the same object has another ID when it comes again")
	}
}
