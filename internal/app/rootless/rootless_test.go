package rootless_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/access"
	"github.com/rootkeep/rootkeep/internal/app/rootless"
	"github.com/rootkeep/rootkeep/internal/facts"
	"github.com/rootkeep/rootkeep/internal/store/changes"
)

func member(n int, units ...string) rootless.Member {
	return rootless.Member{Account: id(n), Name: fmt.Sprintf("account-%d", n), Units: units}
}

func id(n int) rootkeep.AccountID { return rootkeep.AccountID(fmt.Sprintf("%012d", n)) }

func all(n int) rootless.Holding {
	return rootless.Holding{Account: id(n), Password: true, Keys: 1, Certificates: 1, Devices: 2}
}

func TestOrder(t *testing.T) {
	management := member(1)
	management.Management = true
	suspended := member(2, "Suspended")
	suspended.Suspended = true
	w := rootless.Wanted{
		Members: []rootless.Member{management, suspended, member(3, "Workloads", "Prod"), member(4, "Workloads", "NonProd"), member(5), member(6, "Sandbox"), member(7, "Sandbox"), member(8), member(9), member(10)},
		Holdings: []rootless.Holding{
			all(1), all(2), all(3), all(4), all(5), all(6), {Account: id(7), Password: true},
			{Account: id(9)}, {Account: id(10), Unknown: "sts:AssumeRoot denied"},
		},
	}
	for _, tt := range []struct {
		name     string
		first    []rootkeep.AccountID
		want     []rootkeep.AccountID
		canaries int
	}{
		{"sandboxes before production, the least first", nil, []rootkeep.AccountID{id(7), id(6), id(4), id(5), id(3)}, 1},
		{"canaries before all", []rootkeep.AccountID{id(3), id(5)}, []rootkeep.AccountID{id(3), id(5), id(7), id(6), id(4)}, 2},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w.First = tt.first
			steps, left, err := rootless.Order(w)
			if err != nil {
				t.Fatal(err)
			}
			var got []rootkeep.AccountID
			canaries := 0
			for _, s := range steps {
				got = append(got, s.Member.Account)
				if s.Canary {
					canaries++
				}
			}
			if d := cmp.Diff(tt.want, got); d != "" || canaries != tt.canaries {
				t.Errorf("%d canaries, order (-want +got):\n%s", canaries, d)
			}
			var why []string
			for _, l := range left {
				why = append(why, fmt.Sprintf("%s %v %s", l.Name, l.Unknown, l.Why[:12]))
			}
			if d := cmp.Diff([]string{"account-1 false the manageme", "account-2 true it is suspen", "account-8 true nobody asked", "account-9 false its root use", "account-10 true sts:AssumeRo"}, why); d != "" {
				t.Errorf("left out (-want +got):\n%s", d)
			}
		})
	}
}

func TestOrdersThatAreRefused(t *testing.T) {
	many := rootless.Wanted{}
	for n := range rootless.Most + 1 {
		many.Members, many.Holdings = append(many.Members, member(n+1)), append(many.Holdings, all(n+1))
	}
	shown := many
	shown.Shown = true
	if steps, _, err := rootless.Order(shown); err != nil || len(steps) != rootless.Most+1 {
		t.Errorf("an order that is only looked at: got %d accounts, %v", len(steps), err)
	}
	management := member(1)
	management.Management = true
	for _, tt := range []struct {
		name string
		of   rootless.Wanted
		want string
	}{
		{"more accounts than one request is over", many, "500 at most"},
		{"an account twice", rootless.Wanted{Members: []rootless.Member{member(1), member(1)}}, "listed twice"},
		{"the management account first", rootless.Wanted{Members: []rootless.Member{management, member(2)}, Holdings: []rootless.Holding{all(1), all(2)}, First: []rootkeep.AccountID{id(1)}}, "has nothing that is taken away"},
		{"nothing to be taken", rootless.Wanted{Members: []rootless.Member{member(1)}, Holdings: []rootless.Holding{{Account: id(1)}}}, "no root user"},
	} {
		if _, _, err := rootless.Order(tt.of); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got %v, want %q", tt.name, err, tt.want)
		}
	}
}

func TestWhatIsLostIsSaidBefore(t *testing.T) {
	h := all(1)
	if got := h.String(); got != "a password, 1 access key, 1 signing certificate, 2 MFA devices" {
		t.Errorf("got %q", got)
	}
	if got := h.Losses(); len(got) != 4 {
		t.Errorf("got %d losses, want one for each kind of credential: %v", len(got), got)
	}
	none := rootless.Holding{}
	if none.String() != "nothing" || none.Losses() != nil || !none.Absent() {
		t.Errorf("of nothing: %q, %v", none.String(), none.Losses())
	}
}

func TestASnapshotThatLacksAFactProvesNothing(t *testing.T) {
	s := &facts.Snapshot{Account: id(1), Taken: time.Date(2026, 7, 3, 9, 0, 0, 0, time.UTC)}
	paths := []string{"root.has_password", "root.access_keys", "root.has_certificates", "root.devices"}
	for n := range paths {
		s.Origins = nil
		s.Observe("iam:X", s.Taken, "", slices.Delete(slices.Clone(paths), n, n+1)...)
		if h := rootless.OfSnapshot(s); h.Absent() || !strings.Contains(h.Unknown, paths[n]) {
			t.Errorf("without %s: got %+v", paths[n], h)
		}
	}
	s.Origins = nil
	s.Observe("iam:X", s.Taken, "", paths...)
	if h := rootless.OfSnapshot(s); !h.Absent() {
		t.Errorf("with all: got %+v", h)
	}
	s.Facts.Root.HasAccessKeys = true
	if h := rootless.OfSnapshot(s); h.Absent() || h.Keys != 1 {
		t.Errorf("with keys that are not listed: got %+v", h)
	}
}

func TestNoAccountIsHalfWayWithoutSayingSo(t *testing.T) {
	ended := time.Date(2026, 7, 3, 9, 0, 0, 0, time.UTC)
	for _, tt := range []struct {
		name  string
		state changes.State
		calls int
		doubt bool
		proof *rootless.Holding
		want  rootless.Word
	}{
		{"one that waits for approvals", changes.Requested, 0, false, nil, rootless.Waits},
		{"one that is at work", changes.Applying, 1, false, nil, rootless.Working},
		{"one that stopped before it did anything", changes.Stopped, 0, false, nil, rootless.Waits},
		{"one that stopped, and may have done something", changes.Stopped, 0, true, nil, rootless.HalfWay},
		{"one that stopped in the middle", changes.Stopped, 2, false, nil, rootless.HalfWay},
		{"one that was given up", changes.Unverified, 2, false, nil, rootless.HalfWay},
		{"one that was not begun in time", changes.Expired, 0, false, nil, rootless.Ended},
		{"one that is done", changes.Applied, 3, false, nil, rootless.Deleted},
		{"one that was audited before it was done", changes.Applied, 3, false, &rootless.Holding{At: ended.Add(-time.Minute)}, rootless.Deleted},
		{"one that was audited after it", changes.Applied, 3, false, &rootless.Holding{At: ended.Add(time.Minute)}, rootless.Proven},
		{"one that was audited in vain", changes.Applied, 3, false, &rootless.Holding{At: ended.Add(time.Minute), Unknown: "denied"}, rootless.NotKnown},
		{"one that has a password again", changes.Applied, 3, false, &rootless.Holding{At: ended.Add(time.Minute), Password: true}, rootless.Back},
		{"one that stopped, audited or not", changes.Stopped, 2, false, &rootless.Holding{At: ended.Add(time.Minute)}, rootless.HalfWay},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := &changes.Change{ID: "CH-1", Account: id(1), State: tt.state, Doubt: tt.doubt, Ended: ended, For: "RR-1"}
			var proofs []rootless.Holding
			if tt.proof != nil {
				tt.proof.Account = id(1)
				proofs = append(proofs, *tt.proof)
			}
			s := rootless.StatusOf([]*changes.Change{c}, map[string]int{"CH-1": tt.calls}, proofs)
			if got := s.Lines[0].Word; got != tt.want || s.Whole() != (tt.want == rootless.Proven) {
				t.Errorf("got %s: %s, whole %v; want %s", got, s.Lines[0].Why, s.Whole(), tt.want)
			}
			if bad := tt.want == rootless.HalfWay || tt.want == rootless.Back || tt.want == rootless.NotKnown; s.Open() != bad || bad && s.Lines[0].Why == "" {
				t.Errorf("needs somebody: %v, want %v; why %q", s.Open(), bad, s.Lines[0].Why)
			}
		})
	}
}

// TestWhatASignInOpenedIsOpenUntilItIsTakenAway follows the changes of one request.
func TestWhatASignInOpenedIsOpenUntilItIsTakenAway(t *testing.T) {
	begun := time.Date(2026, 7, 3, 9, 0, 0, 0, time.UTC)
	open := &changes.Change{ID: "CH-1", Account: id(1), For: "RR-1", Kind: access.RecoveryAllow, State: changes.Applied, Begun: begun, Ended: begun.Add(time.Minute)}
	closing := func(s changes.State) *changes.Change {
		return &changes.Change{ID: "CH-2", Account: id(1), For: "RR-1", Kind: access.DeleteAll, State: s, Begun: begun.Add(time.Hour), Ended: begun.Add(2 * time.Hour)}
	}
	elsewhere := closing(changes.Applied)
	elsewhere.Account = id(2)
	before := closing(changes.Applied)
	before.Begun = begun.Add(-time.Hour)
	for _, tt := range []struct {
		name  string
		list  []*changes.Change
		calls map[string]int
		audit bool
		want  []rootless.Word
	}{
		{"nobody has closed it", []*changes.Change{open}, map[string]int{"CH-1": 1}, false, []rootless.Word{rootless.Opened}},
		{"closing it failed", []*changes.Change{open, closing(changes.Stopped)}, map[string]int{"CH-1": 1}, false, []rootless.Word{rootless.Opened, rootless.Waits}},
		{"another account was closed", []*changes.Change{open, elsewhere}, map[string]int{"CH-1": 1}, false, []rootless.Word{rootless.Opened, rootless.Deleted}},
		{"credentials were deleted before it", []*changes.Change{open, before}, map[string]int{"CH-1": 1}, false, []rootless.Word{rootless.Opened, rootless.Deleted}},
		{"it is closed", []*changes.Change{open, closing(changes.Applied)}, map[string]int{"CH-1": 1}, false, []rootless.Word{rootless.Deleted}},
		{"it is closed, and proven", []*changes.Change{open, closing(changes.Applied)}, map[string]int{"CH-1": 1}, true, []rootless.Word{rootless.Proven}},
		{"it was not opened", []*changes.Change{{ID: "CH-1", Account: id(1), For: "RR-1", Kind: access.RecoveryAllow, State: changes.Approved}}, nil, false, []rootless.Word{rootless.Waits}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var proofs []rootless.Holding
			if tt.audit {
				proofs = []rootless.Holding{{Account: id(1), At: begun.Add(3 * time.Hour)}}
			}
			s := rootless.StatusOf(tt.list, tt.calls, proofs)
			var got []rootless.Word
			for _, l := range s.Lines {
				got = append(got, l.Word)
			}
			if d := cmp.Diff(tt.want, got); d != "" || s.Open() != slices.Contains(tt.want, rootless.Opened) || s.Whole() != tt.audit {
				t.Errorf("needs somebody: %v, whole: %v, words (-want +got):\n%s", s.Open(), s.Whole(), d)
			}
		})
	}
}
