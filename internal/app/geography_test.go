package app

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/detect/origin/origintest"
	"github.com/rootkeep/rootkeep/internal/report"
)

const (
	day         = 24 * time.Hour
	fromBrazil  = "198.51.100.9"
	viaBrazil   = "198.51.100.200" // in the range that the relay list names
	relayRange  = "198.51.100.128/25 source=\"company VPN\"\n"
	brazilRange = "198.51.100.0/24 source=abuse.example\n"
)

// signIns are daily sign-ins of alice from France.
func signIns(days int) step {
	return step{base: "user-signin", times: days, every: day}
}

func signIn(at time.Duration, address string) step {
	return step{base: "user-signin", at: at, set: map[string]any{"sourceIPAddress": address}}
}

func countryDatabase(t *testing.T) string {
	t.Helper()
	db, err := origintest.Countries(map[string]string{"203.0.113.0/24": "FR", "198.51.100.0/24": "BR"})
	if err != nil {
		t.Fatal(err)
	}
	return file(t, filepath.Join(t.TempDir(), "country.mmdb"), string(db))
}

// newCountry is a case of the detection login-from-new-country.
type newCountry struct {
	name           string
	steps          []step
	relays, threat string
	blind          bool // without a database
	want           []rootkeep.Severity
	note, notice   string
	lists          string // that name the address of the alert
}

const nowhere = "no geography"

func TestNewCountry(t *testing.T) {
	db := countryDatabase(t)
	const learning = "baselines are still learning"
	tests := []newCountry{
		{name: "another country after the learning week alerts once", steps: []step{signIns(9), signIn(9*day, fromBrazil), signIn(9*day+time.Hour, fromBrazil)},
			want: []rootkeep.Severity{rootkeep.Medium}, note: "first seen: BR for rootkeep.principal=arn:aws:iam::111122223333:user/alice"},
		{name: "the alert tells the age of the database", steps: []step{signIns(9), signIn(9*day, fromBrazil)},
			want: []rootkeep.Severity{rootkeep.Medium}, note: "address database built 2026-01-02"},
		{name: "another country while learning stays quiet and the report says why", steps: []step{signIns(5), signIn(5*day, fromBrazil)}, notice: learning},
		{name: "a country learnt in the first week is no news later", steps: []step{signIns(9), signIn(5*day, fromBrazil), signIn(9*day, fromBrazil)}},
		{name: "a relay counts one level less", steps: []step{signIns(9), signIn(9*day, viaBrazil)}, relays: relayRange,
			want: []rootkeep.Severity{rootkeep.Low}, note: "from company VPN, a relay or VPN on your list", lists: "company VPN"},
		{name: "a relay while learning does not make its country known", steps: []step{signIns(9), signIn(2*day, viaBrazil), signIn(9*day, fromBrazil)}, relays: relayRange,
			want: []rootkeep.Severity{rootkeep.Medium}, note: "first seen: BR"},
		{name: "a relay used while learning is no news later", steps: []step{signIns(9), signIn(2*day, viaBrazil), signIn(9*day, viaBrazil)}, relays: relayRange},
		{name: "a relay entry that has expired is no relay", steps: []step{signIns(9), signIn(9*day, viaBrazil)}, relays: "198.51.100.128/25 until=2026-03-05\n",
			want: []rootkeep.Severity{rootkeep.Medium}, note: "first seen: BR"},
		{name: "a threat list raises the level and is named", steps: []step{signIns(9), signIn(9*day, fromBrazil)}, threat: brazilRange,
			want: []rootkeep.Severity{rootkeep.High}, note: "on threat list abuse.example", lists: "abuse.example"},
		{name: "a threat entry that has expired raises nothing", steps: []step{signIns(9), signIn(9*day, fromBrazil)}, threat: "198.51.100.0/24 until=2026-03-10\n",
			want: []rootkeep.Severity{rootkeep.Medium}, note: "first seen: BR"},
		{name: "without a database there is a notice and no alert", steps: []step{signIns(9), signIn(9*day, fromBrazil)}, blind: true, notice: nowhere},
		{name: "an address that is none has no country", steps: []step{signIns(9), signIn(9*day, "AWS Internal"), signIn(9*day, "signin.amazonaws.com")}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			c := HuntConfig{Paths: []string{logFile(t, filepath.Join(dir, "log.json"), records(t, 1, tt.steps...))}}
			if !tt.blind {
				c.GeoIP = []string{db}
			}
			if tt.relays != "" {
				c.RelayLists = []string{file(t, filepath.Join(dir, "relays.txt"), tt.relays)}
			}
			if tt.threat != "" {
				c.ThreatLists = []string{file(t, filepath.Join(dir, "threats.txt"), tt.threat)}
			}
			tt.check(t, hunted(t, c))
		})
	}
}

func (tt newCountry) check(t *testing.T, h *report.Hunt) {
	t.Helper()
	got := of(h, "login-from-new-country")
	if len(got) != len(tt.want) {
		t.Fatalf("alerts: got %d, want %d", len(got), len(tt.want))
	}
	for i, a := range got {
		if a.Level != tt.want[i] || !says(a.Notes, tt.note) {
			t.Errorf("got level %s with notes %q, want %s with one that says %q", a.Level, a.Notes, tt.want[i], tt.note)
		}
		if got := strings.Join(a.Addresses[0].Lists, ", "); got != tt.lists {
			t.Errorf("lists that name %s: got %q, want %q", a.Addresses[0].Text, got, tt.lists)
		}
	}
	if tt.notice != "" && !says(h.Notices, tt.notice) {
		t.Errorf("notices: got %q, want one that says %q", h.Notices, tt.notice)
	}
	if says(h.Notices, nowhere) != tt.blind {
		t.Errorf("notices: got %q, want %q only without a database", h.Notices, nowhere)
	}
}

func TestImpossibleTravel(t *testing.T) {
	db := countryDatabase(t)
	tests := []struct {
		name  string
		steps []step
		want  int
	}{
		{"two countries within the hour alert", []step{signIns(1), signIn(30*time.Minute, fromBrazil)}, 1},
		{"two countries an hour apart stay quiet", []step{signIns(1), signIn(time.Hour, fromBrazil)}, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			log := logFile(t, filepath.Join(t.TempDir(), "log.json"), records(t, 1, tt.steps...))
			c := HuntConfig{Paths: []string{log}, GeoIP: []string{db}}
			got := of(hunted(t, c), "impossible-travel")
			if len(got) != tt.want {
				t.Fatalf("got %d alerts, want %d", len(got), tt.want)
			}
			for _, a := range got {
				if a.Level != rootkeep.High || len(a.Addresses) != 2 || a.Addresses[0].Country == a.Addresses[1].Country {
					t.Errorf("got level %s from %+v, want high from two countries", a.Level, a.Addresses)
				}
			}
		})
	}
}

func TestADatabaseThatCannotBeReadEndsTheHunt(t *testing.T) {
	dir := t.TempDir()
	log := logFile(t, filepath.Join(dir, "log.json"), records(t, 1, signIns(1)))
	bad := file(t, filepath.Join(dir, "bad.mmdb"), "not a database")
	_, err := Hunt(t.Context(), HuntConfig{Paths: []string{log}, Pack: shipped(t), Now: time.Now, GeoIP: []string{bad}})
	if err == nil || !says([]string{err.Error()}, "bad.mmdb: read MaxMind database") {
		t.Errorf("got error %v, want one that names the file", err)
	}
}
