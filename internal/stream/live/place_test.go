package live_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/cloudtrail/layout"
	"github.com/rootkeep/rootkeep/internal/stream/live"
)

func TestProgressKeepsTheLatestOfEachPlace(t *testing.T) {
	at := time.Date(2026, 11, 27, 10, 0, 0, 0, time.UTC)
	var p live.Progress
	for _, s := range []live.Place{
		{"222222222222", "us-east-1", at, at.Add(time.Minute)},
		{"111111111111", "us-east-1", at, at.Add(2 * time.Minute)},
		{"222222222222", "us-east-1", at.Add(-time.Hour), at.Add(3 * time.Minute)}, // late
		{"222222222222", "eu-west-1", at.Add(time.Hour), at.Add(4 * time.Minute)},
		{"", "us-east-1", at, at}, {"333333333333", "", at, at}, {"333333333333", "us-east-1", time.Time{}, at},
	} {
		p.See(s)
	}
	p.SeeKey(layout.Key{Account: "111111111111", Region: "us-east-1", Delivered: at.Add(time.Minute)}, at.Add(6*time.Minute))
	want := []live.Place{
		{"111111111111", "us-east-1", at.Add(time.Minute), at.Add(6 * time.Minute)},
		{"222222222222", "eu-west-1", at.Add(time.Hour), at.Add(4 * time.Minute)},
		{"222222222222", "us-east-1", at, at.Add(time.Minute)},
	}
	if diff := cmp.Diff(want, p.Places()); diff != "" {
		t.Errorf("places (-want +got):\n%s", diff)
	}
}

func TestPlacesAreBounded(t *testing.T) {
	at := time.Date(2026, 11, 27, 10, 0, 0, 0, time.UTC)
	var p live.Progress
	for n := range live.MostPlaces + 10 {
		p.See(live.Place{Account: rootkeep.AccountID(fmt.Sprintf("%012d", n)), Region: "us-east-1", Last: at, Arrived: at})
	}
	p.See(live.Place{Account: "000000000003", Region: "us-east-1", Last: at.Add(time.Hour), Arrived: at})
	got := p.Places()
	if len(got) != live.MostPlaces || !got[3].Last.Equal(at.Add(time.Hour)) {
		t.Errorf("got %d places, the fourth at %s, want %d, and one that is known to go on", len(got), got[3].Last, live.MostPlaces)
	}
}
