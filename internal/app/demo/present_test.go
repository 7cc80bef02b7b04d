package demo_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/rootkeep/rootkeep/internal/app/archive"
	"github.com/rootkeep/rootkeep/internal/app/demo"
	configured "github.com/rootkeep/rootkeep/internal/app/watch/sources"
)

func TestTheLastActsAreTold(t *testing.T) {
	var a demo.Acts
	if got := a.Lines(); len(got) != 0 {
		t.Errorf("got %q of no acts", got)
	}
	for i := range 5 {
		a.Add(demo.Act{At: time.Date(2026, 11, 27, 10, i, 0, 0, time.UTC), What: fmt.Sprint("act ", i)})
	}
	if got, want := strings.Join(a.Lines(), "|"), "10:04:00 UTC: act 4.|10:03:00 UTC: act 3.|10:02:00 UTC: act 2."; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestItsSettingsAreRead(t *testing.T) {
	sources, hunts, err := demo.Settings(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if names, err := configured.Names(sources); err != nil || len(names) != 1 {
		t.Errorf("got the sources %q, %v, want one", names, err)
	}
	if places, err := archive.Read(hunts); err != nil || len(places) != 1 || len(places[0].Keys) != 1 {
		t.Errorf("got the places %+v, %v, want one with keys", places, err)
	}
}
