package simulate_test

import (
	"testing"
	"time"

	"github.com/rootkeep/rootkeep/internal/app/simulate"
	"github.com/rootkeep/rootkeep/internal/awssim/cloud"
)

func TestASimulationWithTroublesOfEvents(t *testing.T) {
	for _, tt := range []struct {
		name     string
		settings simulate.Settings
		want     map[cloud.FaultKind]bool
	}{
		{"none", simulate.Settings{}, map[cloud.FaultKind]bool{}},
		{"late", simulate.Settings{Late: time.Hour}, map[cloud.FaultKind]bool{cloud.Late: true}},
		{"twice, without names", simulate.Settings{Twice: true, Unnamed: true}, map[cloud.FaultKind]bool{cloud.Twice: true, cloud.Unnamed: true}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.settings.Accounts, tt.settings.Now = 3, time.Now
			s, err := simulate.New(tt.settings)
			if err != nil {
				t.Fatal(err)
			}
			a := s.Handler.(*cloud.Cloud).Accounts()[1]
			for _, kind := range []cloud.FaultKind{cloud.Late, cloud.Twice, cloud.Unnamed} {
				f := a.EventFault(kind, "eu-west-1")
				if (f != nil) != tt.want[kind] {
					t.Errorf("%s: got %v, want it there %v", kind, f, tt.want[kind])
				}
			}
			if got := a.Held("eu-west-1"); got != tt.settings.Late {
				t.Errorf("events are held for %s, want %s", got, tt.settings.Late)
			}
		})
	}
}
