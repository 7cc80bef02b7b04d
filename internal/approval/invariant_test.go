package approval_test

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/rootkeep/rootkeep/internal/approval"
	"github.com/rootkeep/rootkeep/internal/lot"
	"github.com/rootkeep/rootkeep/internal/rule"
)

var start = time.Date(2026, 11, 26, 10, 0, 0, 0, time.UTC)

// everybody are the persons of the property tests; PE-0 asks.
var everybody = []string{"PE-0", "PE-1", "PE-2", "PE-3", "PE-4", "PE-5"}

func anyone(string) bool { return true }

// policies draws a policy of one to three groups of some of the persons.
func policies(t *rapid.T) *approval.Policy {
	p := &approval.Policy{ID: "exception", Schema: approval.PolicySchema, Version: rapid.IntRange(1, 9).Draw(t, "version"), Valid: 3600}
	for i := range rapid.IntRange(1, 3).Draw(t, "groups") {
		members := rapid.SliceOfNDistinct(rapid.SampledFrom(everybody), 1, len(everybody), rapid.ID).Draw(t, "members")
		slices.Sort(members)
		p.Require = append(p.Require, approval.Requirement{
			Group: fmt.Sprintf("g%d", i), Name: "Team", Members: members, Count: rapid.IntRange(1, min(2, len(members))).Draw(t, "count"),
		})
	}
	return p
}

// request makes a request of PE-0 under a policy that can be met; it skips others.
func request(t *rapid.T, p *approval.Policy) *approval.Request {
	r, err := approval.New(ask(), p, everybody, start)
	var short *approval.Shortage
	if errors.As(err, &short) {
		t.Skip("nobody could approve")
	}
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func ask() approval.Ask {
	return approval.Ask{ID: "EX-1", Kind: "exception", Account: "111122223333", Action: "except RT-05", Subject: []byte(`{"control":"RT-05"}`), Requester: "PE-0"}
}

func statement(t interface{ Fatal(...any) }, r *approval.Request, by string, d approval.Decision, at time.Time) *approval.Statement {
	s, err := approval.NewStatement(r, by, d, bytes.Repeat([]byte{7}, 32), at)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// met is the naive reference: it tries every way to give each place a person of its own.
func met(p *approval.Policy, persons []string) bool {
	var places []approval.Requirement
	for _, q := range p.Require {
		for range q.Count {
			places = append(places, q)
		}
	}
	var fill func(left []approval.Requirement, free []string) bool
	fill = func(left []approval.Requirement, free []string) bool {
		if len(left) == 0 {
			return true
		}
		for i, person := range free {
			if slices.Contains(left[0].Members, person) && fill(left[1:], slices.Delete(slices.Clone(free), i, i+1)) {
				return true
			}
		}
		return false
	}
	return fill(places, persons)
}

func TestInvariant01CountBelowOneIsRefused(t *testing.T) {
	lot.Check(t, func(t *rapid.T) {
		count := rapid.IntRange(-3, 3).Draw(t, "count")
		c := approval.Configuration{Policies: []approval.Rule{{ID: approval.OtherException, Version: 1, Require: []approval.Want{{Group: approval.Approvers, Count: count}}}}}
		if _, err := approval.NewBook(c); (err != nil) != (count < 1) {
			t.Fatalf("count %d: got %v", count, err)
		}
		// The same in a policy that somebody wrote into a request.
		p := policies(t)
		p.Require[0].Count = count
		if _, err := approval.ParsePolicy(p.Bytes()); count < 1 && err == nil {
			t.Fatalf("count %d in a frozen policy: got no error", count)
		}
	})
	for name, require := range map[string][]approval.Want{
		"a count that is missing":    {{Group: approval.Approvers}},
		"no group at all":            {},
		"one group of two without":   {{Group: approval.Approvers, Count: 1}, {Group: "security"}},
		"more approvals than people": {{Group: "security", Count: 2}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := approval.NewBook(approval.Configuration{
				Groups:   []approval.Group{{ID: "security", Members: []string{"PE-1"}}},
				Policies: []approval.Rule{{ID: approval.CriticalException, Version: 1, Require: require, Valid: rule.Duration(time.Hour)}},
			})
			if err == nil {
				t.Error("got no error, want one")
			}
		})
	}
}

func TestInvariant02PersonCountsOnce(t *testing.T) {
	lot.Check(t, func(t *rapid.T) {
		p := policies(t)
		signers := rapid.SliceOfN(rapid.SampledFrom(everybody), 0, 12).Draw(t, "signers") // with repeats
		distinct := slices.Compact(slices.Sorted(slices.Values(signers)))
		tally, got := p.Assign(signers)
		if want := met(p, distinct); got != want {
			t.Fatalf("approved by %v of %+v: got %v, want %v", distinct, p.Require, got, want)
		}
		seen := map[string]bool{}
		for i, line := range tally {
			for _, person := range line.By {
				if seen[person] {
					t.Fatalf("%s counts twice: %+v", person, tally)
				}
				if seen[person] = true; !slices.Contains(p.Require[i].Members, person) || !slices.Contains(distinct, person) {
					t.Fatalf("%s counts for group %s without being in it, or without having signed", person, line.Group)
				}
			}
		}
	})
}

func TestInvariant03GroupsAreToldApartByID(t *testing.T) {
	lot.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(2, 6).Draw(t, "groups")
		c := approval.Configuration{Policies: []approval.Rule{{ID: approval.CriticalException, Version: 1, Require: []approval.Want{{Group: "g0", Count: 1}}}}}
		for i := range n {
			g := approval.Group{ID: fmt.Sprintf("g%d", i), Name: "Security team", Members: []string{fmt.Sprintf("PE-%d", i)}}
			for _, k := range rapid.SliceOfDistinct(rapid.IntRange(0, n-1), rapid.ID).Draw(t, "nested") {
				g.Groups = append(g.Groups, fmt.Sprintf("g%d", k))
			}
			c.Groups = append(c.Groups, g)
		}
		reach, cycle := reachable(c.Groups)
		b, err := approval.NewBook(c)
		if (err != nil) != cycle {
			t.Fatalf("within itself: %v, got %v", cycle, err)
		}
		if err != nil {
			return
		}
		p, err := b.Policy(approval.CriticalException)
		if err != nil {
			t.Fatal(err)
		}
		for i := range n {
			person := fmt.Sprintf("PE-%d", i)
			if _, got := p.Assign([]string{person}); got != reach[person] {
				t.Fatalf("%s of a group with the same name: got %v, want %v", person, got, reach[person])
			}
		}
	})
}

// reachable is the naive reference: who is in g0 over any number of steps, and whether
// any group is within itself.
func reachable(groups []approval.Group) (members map[string]bool, cycle bool) {
	reach := map[string]map[string]bool{}
	for _, g := range groups {
		reach[g.ID] = map[string]bool{}
		for _, k := range g.Groups {
			reach[g.ID][k] = true
		}
	}
	for range groups {
		for a := range reach {
			for b := range reach[a] {
				for c := range reach[b] {
					reach[a][c] = true
				}
			}
		}
	}
	members = map[string]bool{}
	for _, g := range groups {
		cycle = cycle || reach[g.ID][g.ID]
		if g.ID == "g0" || reach["g0"][g.ID] {
			members[g.Members[0]] = true
		}
	}
	return members, cycle
}

func TestInvariant04RequesterAndEditorsNeverCount(t *testing.T) {
	lot.Check(t, func(t *rapid.T) {
		p := policies(t)
		r := request(t, p)
		for _, editor := range rapid.SliceOfN(rapid.SampledFrom(everybody), 0, 2).Draw(t, "editors") {
			next, err := r.Edit(approval.Requested, editor, "except RT-06", []byte("{}"), p, everybody, start)
			var short *approval.Shortage
			if errors.As(err, &short) {
				continue
			}
			if err != nil {
				t.Fatal(err)
			}
			r = next
		}
		barred := append([]string{"PE-0"}, r.Editors...)
		for _, by := range barred {
			for _, d := range []approval.Decision{approval.Approve, approval.Deny} {
				if state, err := r.Decide(approval.Requested, nil, statement(t, r, by, d, start), p, anyone, start); !errors.Is(err, approval.ErrMayNot) || state != approval.Requested {
					t.Fatalf("%s of %s: got %s, %v, want ErrMayNot", d, by, state, err)
				}
			}
		}
		// Even if they got into the list of signatures somehow, they do not count.
		var signed []*approval.Statement
		for _, by := range everybody {
			signed = append(signed, statement(t, r, by, approval.Approve, start))
		}
		tally, _ := r.Tally(signed, p, anyone)
		for _, line := range tally {
			for _, by := range line.By {
				if slices.Contains(barred, by) {
					t.Fatalf("%s counts: %+v", by, tally)
				}
			}
		}
	})
}

func TestInvariant05EditClearsAllApprovals(t *testing.T) {
	lot.Check(t, func(t *rapid.T) {
		p := policies(t)
		r := request(t, p)
		var signed []*approval.Statement
		for _, by := range everybody {
			signed = append(signed, statement(t, r, by, approval.Approve, start))
		}
		action, subject := r.Action, []byte(`{"control":"RT-05"}`)
		if rapid.Bool().Draw(t, "changes something") {
			action, subject = "except RT-06", []byte(`{"control":"RT-06"}`)
		}
		edited, err := r.Edit(approval.Requested, "PE-0", action, subject, p, everybody, start)
		if err != nil {
			t.Fatal(err)
		}
		if tally, done := edited.Tally(signed, p, anyone); done || slices.ContainsFunc(tally, func(l approval.Tally) bool { return len(l.By) > 0 }) {
			t.Fatalf("approvals of version 1 count for version 2: %+v", tally)
		}
		if _, err := edited.Decide(approval.Requested, nil, signed[1], p, anyone, start); !errors.Is(err, approval.ErrStale) {
			t.Fatalf("a statement about version 1: got %v, want ErrStale", err)
		}
		if !edited.Expires.Equal(r.Expires) {
			t.Fatalf("got an end of %s after the edit, want the %s of before", edited.Expires, r.Expires)
		}
	})
}

func TestInvariant06PolicyIsFrozen(t *testing.T) {
	lot.Check(t, func(t *rapid.T) {
		p := policies(t)
		r := request(t, p)
		easier, err := approval.ParsePolicy(p.Bytes())
		if err != nil {
			t.Fatal(err)
		}
		switch rapid.IntRange(0, 3).Draw(t, "change") {
		case 0:
			easier.Version++
		case 1:
			easier.Require = append(easier.Require, approval.Requirement{Group: approval.Approvers, Count: 1, Members: []string{}, Name: "x"})
		case 2:
			easier.Require[0].Members = append(easier.Require[0].Members, "PE-9")
		case 3:
			easier.Valid++
		}
		var signed []*approval.Statement
		for _, by := range everybody[1:] {
			next := statement(t, r, by, approval.Approve, start)
			if state, err := r.Decide(approval.Requested, signed, next, easier, anyone, start); err == nil || state != approval.Requested {
				t.Fatalf("under another policy: got %s, %v, want an error", state, err)
			}
			signed = append(signed, next)
		}
	})
}

func TestInvariant07DecisionIsMadeOnce(t *testing.T) {
	lot.Check(t, func(t *rapid.T) {
		p := policies(t)
		r := request(t, p)
		by := rapid.SampledFrom(everybody[1:]).Draw(t, "by")
		first := statement(t, r, by, approval.Approve, start)
		state, err := r.Decide(approval.Requested, nil, first, p, anyone, start)
		if err != nil {
			t.Skip("is in no group")
		}
		again := statement(t, r, by, rapid.SampledFrom([]approval.Decision{approval.Approve, approval.Deny}).Draw(t, "again"), start.Add(time.Second))
		after, err := r.Decide(state, []*approval.Statement{first}, again, p, anyone, start.Add(time.Second))
		if after != state || !errors.Is(err, approval.ErrTwice) && !errors.Is(err, approval.ErrFinal) {
			t.Fatalf("decided twice: got %s, %v, want %s and ErrTwice or ErrFinal", after, err, state)
		}
	})
}

func TestInvariant08TimeRunsOutToExpired(t *testing.T) {
	lot.Check(t, func(t *rapid.T) {
		p := policies(t)
		r := request(t, p)
		late := r.Expires.Add(time.Duration(rapid.Int64Range(0, int64(1000*time.Hour)).Draw(t, "late")))
		if got := r.At(approval.Requested, late); got != approval.Expired {
			t.Fatalf("got %s once the time ran out, want expired", got)
		}
		if got := r.At(approval.Requested, r.Expires.Add(-1)); got != approval.Requested {
			t.Fatalf("got %s just before, want requested", got)
		}
		// Everybody signed in time, and the last signature arrives too late.
		var signed []*approval.Statement
		for _, by := range everybody[1:] {
			next := statement(t, r, by, approval.Approve, r.Expires.Add(-time.Second))
			if next.NotAfter.After(r.Expires) {
				t.Fatalf("a statement is good until %s, the request until %s", next.NotAfter, r.Expires)
			}
			if state, err := r.Decide(approval.Requested, signed, next, p, anyone, late); state == approval.Approved || err == nil {
				t.Fatalf("after its end: got %s, %v, want an error", state, err)
			}
			signed = append(signed, next)
		}
	})
}

func TestInvariant09FinalStatesAreFinal(t *testing.T) {
	lot.Check(t, func(t *rapid.T) {
		p := policies(t)
		r := request(t, p)
		final := rapid.SampledFrom([]approval.State{approval.Approved, approval.Denied, approval.Expired, approval.Withdrawn, approval.Overridden}).Draw(t, "state")
		at := start.Add(time.Duration(rapid.Int64Range(0, int64(100*time.Hour)).Draw(t, "at")))
		for _, by := range everybody[1:] {
			for _, d := range []approval.Decision{approval.Approve, approval.Deny} {
				if state, err := r.Decide(final, nil, statement(t, r, by, d, start), p, anyone, at); state != final || !errors.Is(err, approval.ErrFinal) {
					t.Fatalf("%s of a request that is %s: got %s, %v", d, final, state, err)
				}
			}
		}
		if _, err := r.Edit(final, "PE-0", "except RT-06", []byte("{}"), p, everybody, at); !errors.Is(err, approval.ErrFinal) {
			t.Fatalf("edit of a request that is %s: got %v", final, err)
		}
		if state, err := r.Withdraw(final, "PE-0", at); state != final || !errors.Is(err, approval.ErrFinal) {
			t.Fatalf("withdrawal of a request that is %s: got %s, %v", final, state, err)
		}
		if got := r.At(final, at); got != final {
			t.Fatalf("time turned %s into %s", final, got)
		}
	})
}

func TestInvariant10NobodyCouldApprove(t *testing.T) {
	lot.Check(t, func(t *rapid.T) {
		p := policies(t)
		can := rapid.SliceOfDistinct(rapid.SampledFrom(everybody), rapid.ID).Draw(t, "can")
		_, err := approval.New(ask(), p, can, start)
		others := slices.DeleteFunc(slices.Clone(can), func(person string) bool { return person == "PE-0" })
		var short *approval.Shortage
		if want := met(p, others); errors.As(err, &short) == want || !want && err == nil {
			t.Fatalf("%v can approve %+v: got %v", others, p.Require, err)
		}
		if short == nil {
			return
		}
		if len(short.Lacking) == 0 {
			t.Fatal("the error names no group")
		}
		for _, l := range short.Lacking {
			if !strings.Contains(short.Error(), l.Group) || len(l.By) >= l.Count {
				t.Fatalf("got %q, want one that names group %s", short, l.Group)
			}
		}
	})
}

// TestApprovedOnlyAsTheReferenceSays plays a history of decisions against a reference
// that counts anew each time.
func TestApprovedOnlyAsTheReferenceSays(t *testing.T) {
	lot.Check(t, func(t *rapid.T) {
		p := policies(t)
		r := request(t, p)
		state, now := approval.Requested, start
		var signed []*approval.Statement
		var approvers []string
		gone := map[string]bool{}
		can := func(person string) bool { return !gone[person] }
		for range rapid.IntRange(1, 10).Draw(t, "steps") {
			now = now.Add(time.Duration(rapid.IntRange(0, 20).Draw(t, "minutes")) * time.Minute)
			by := rapid.SampledFrom(everybody).Draw(t, "by")
			if rapid.IntRange(0, 5).Draw(t, "loses the role") == 0 {
				gone[by] = true
				continue
			}
			next := statement(t, r, by, rapid.SampledFrom([]approval.Decision{approval.Approve, approval.Approve, approval.Approve, approval.Deny}).Draw(t, "says"), now)
			allowed := state == approval.Requested && now.Before(r.Expires) && by != "PE-0" && !gone[by] && !slices.Contains(approvers, by) &&
				slices.ContainsFunc(p.Require, func(q approval.Requirement) bool { return slices.Contains(q.Members, by) })
			want := state
			if allowed {
				signed, approvers = append(signed, next), append(approvers, by)
				if want = approval.Denied; next.Decision == approval.Approve {
					want = state
					if met(p, slices.DeleteFunc(slices.Clone(approvers), func(person string) bool { return gone[person] })) {
						want = approval.Approved
					}
				}
			}
			before := signed
			if allowed {
				before = signed[:len(signed)-1]
			}
			got, err := r.Decide(state, before, next, p, can, now)
			if got != want || (err == nil) != allowed {
				t.Fatalf("%s by %s at %s: got %s, %v; want %s, allowed %v", next.Decision, by, now, got, err, want, allowed)
			}
			state = got
		}
	})
}
