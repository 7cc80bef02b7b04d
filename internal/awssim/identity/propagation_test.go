package identity

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"
)

func start() time.Time { return time.Date(2026, 11, 20, 9, 0, 0, 0, time.UTC) }

func TestWhatWasStaysInForce(t *testing.T) {
	const delay = 10 * time.Second
	old := func() *Set {
		s := NewSet(Root{Keys: []*AccessKey{{ID: "AKIAROOT", Active: true}}})
		s.Policies["arn:p"] = &Policy{ARN: "arn:p", Versions: []Version{{ID: "v1", Document: "old", Default: true}}}
		s.Groups["ops"] = &Group{Holder{Name: "ops", Inline: map[string]string{"g": "old"}}}
		s.Users["ann"] = &User{
			Holder: Holder{Name: "ann", ID: "AIDA1", Attached: []string{"arn:p"}, Inline: map[string]string{"i": "old"}}, Groups: []string{"ops"},
			Keys: []*AccessKey{{ID: "AKIA1", Active: true}},
		}
		s.Roles["audit"] = &Role{Holder: Holder{Name: "audit", ID: "AROA1"}, Trust: "old"}
		return &s
	}
	texts := func(s *Set, u *User) string {
		if u = s.SameUser(u); u == nil {
			return "no such user"
		}
		return fmt.Sprint(s.Grants(&u.Holder, u.Groups))
	}
	for _, c := range []struct {
		name   string
		change func(s *Set)
		of     func(s *Set, ann *User) string
		was    string
		is     string
	}{
		{"an attachment is not in force yet", func(s *Set) { s.Users["ann"].Attached = append(s.Users["ann"].Attached[:0], "arn:q") }, texts, "[{arn:p old} {i old} {g old}]", "[{i old} {g old}]"},
		{"an inline policy has its old text", func(s *Set) { s.Users["ann"].Inline["i"] = "new" }, texts, "[{arn:p old} {i old} {g old}]", "[{arn:p old} {i new} {g old}]"},
		{"a group's policy has its old text", func(s *Set) { s.Groups["ops"].Inline["g"] = "new" }, texts, "[{arn:p old} {i old} {g old}]", "[{arn:p old} {i old} {g new}]"},
		{"a user is in the group still", func(s *Set) { s.Users["ann"].Groups = nil }, texts, "[{arn:p old} {i old} {g old}]", "[{arn:p old} {i old}]"},
		{"a managed policy has its old version", func(s *Set) { s.Policies["arn:p"].Versions[0].Document = "new" }, texts, "[{arn:p old} {i old} {g old}]", "[{arn:p new} {i old} {g old}]"},
		{"a deleted user is there", func(s *Set) { delete(s.Users, "ann") }, texts, "[{arn:p old} {i old} {g old}]", "no such user"},
		{"a user made again under the name is another one", func(s *Set) { s.Users["ann"] = &User{Holder: Holder{Name: "ann", ID: "AIDA2"}} }, texts, "[{arn:p old} {i old} {g old}]", "no such user"},
		{"a renamed user is the same", func(s *Set) {
			u := s.Users["ann"]
			delete(s.Users, "ann")
			u.Name = "anna"
			s.Users["anna"] = u
		}, texts, "[{arn:p old} {i old} {g old}]", "[{arn:p old} {i old} {g old}]"},
		{"a switched-off key signs", func(s *Set) { s.Users["ann"].Keys[0].Active = false }, func(s *Set, ann *User) string { return fmt.Sprint(s.Signs(ann, "AKIA1")) }, "true", "false"},
		{"a deleted key of root signs", func(s *Set) { s.Root.Keys = nil }, func(s *Set, _ *User) string { return fmt.Sprint(s.Signs(nil, "AKIAROOT")) }, "true", "false"},
		{"a new key does not sign yet", func(s *Set) { s.Users["ann"].Keys = append(s.Users["ann"].Keys, &AccessKey{ID: "AKIA2", Active: true}) },
			func(s *Set, ann *User) string { return fmt.Sprint(s.Signs(ann, "AKIA2")) }, "false", "true"},
		{"a trust policy has its old text", func(s *Set) { s.Roles["audit"].Trust = "new" }, func(s *Set, _ *User) string { return s.Roles["audit"].Trust }, "old", "new"},
		{"a boundary is not there yet", func(s *Set) { s.Users["ann"].Boundary = "arn:p" }, func(s *Set, ann *User) string { return s.SameUser(ann).Boundary }, "", "arn:p"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, now := old(), start()
			ann := s.Users["ann"]
			s.Changing(now, delay)
			c.change(s)
			for _, at := range []struct {
				after time.Duration
				want  string
			}{{0, c.was}, {delay - 1, c.was}, {delay, c.is}} {
				if got := c.of(s.InForce(now.Add(at.after)), ann); got != at.want {
					t.Errorf("after %s: got %s, want %s", at.after, got, at.want)
				}
			}
		})
	}
	s := old()
	s.Changing(start(), 0)
	if s.InForce(start()) != s {
		t.Error("without a delay, a change is not in force at once")
	}
}

// Whatever the changes, each is in force between the delay and a twentieth more after
// it was made, in their order, and few states are kept.
func TestChangesComeIntoForceInTheirOrder(t *testing.T) {
	const delay = 10 * time.Second
	for seed := range uint64(50) {
		random := rand.New(rand.NewPCG(seed, 1))
		s, now := NewSet(Root{}), start()
		s.Roles["r"] = &Role{Holder: Holder{Name: "r", ID: "AROA"}, Trust: "0"}
		made := []time.Time{{}} // when change i was made
		for range 400 {
			now = now.Add(time.Duration(random.IntN(int(delay / 10))))
			if random.IntN(3) > 0 {
				s.Changing(now, delay)
				s.Roles["r"].Trust = fmt.Sprint(len(made))
				made = append(made, now)
			}
			var got int
			fmt.Sscan(s.InForce(now).Roles["r"].Trust, &got)
			if now.Sub(made[got]) < delay {
				t.Fatalf("seed %d: change %d is in force %s after it was made", seed, got, now.Sub(made[got]))
			}
			if next := got + 1; next < len(made) && now.Sub(made[next]) >= delay+delay/steps {
				t.Fatalf("seed %d: change %d is not in force %s after it was made", seed, next, now.Sub(made[next]))
			}
			if len(s.earlier) > steps+1 {
				t.Fatalf("seed %d: %d states are kept", seed, len(s.earlier))
			}
		}
	}
}
