package live_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/detect"
	"github.com/rootkeep/rootkeep/internal/detect/live"
)

// failure is one failed sign-in of root.
type failure struct {
	after   time.Duration
	address string // "" is one and the same
	account string
}

func every(n int, gap time.Duration) (out []failure) {
	for i := range n {
		out = append(out, failure{after: time.Duration(i) * gap})
	}
	return out
}

// The two thresholds of the guide's first indicator: five failures in five minutes
// alert, ten escalate.
func TestFailedSignInsAtTheEdgesOfTheirThresholds(t *testing.T) {
	pack, bases := shipped(t)
	second, minute := time.Second, time.Minute
	for _, tc := range []struct {
		name   string
		events []failure // in the order in which they come
		want   []string  // states of the alerts on the account, with their counts
	}{
		{"four failures stay quiet", every(4, minute), nil},
		{"five within the window alert", every(5, minute), []string{"open 5"}},
		{"five of which the last comes exactly 5:00 after the first stay quiet", every(5, 75*second), nil},
		{"five of which the last comes 4:59 after the first alert", append(every(4, minute), failure{after: 299 * second}), []string{"open 5"}},
		{"five in one second alert", every(5, 0), []string{"open 5"}},
		{"nine do not escalate", every(9, 10*second), []string{"open 9"}},
		{"ten escalate", every(10, 10*second), []string{"escalated 10"}},
		{"ten in one second escalate", every(10, 0), []string{"escalated 10"}},
		{"ten of which never ten are in five minutes do not escalate", every(10, 34*second), []string{"open 10"}},
		{"two addresses count together for one account", []failure{{after: 0}, {after: 1, address: "198.51.100.1"}, {after: 2}, {after: 3, address: "198.51.100.1"}, {after: 4}}, []string{"open 5"}},
		{"two accounts do not count together", []failure{{after: 0}, {after: 1}, {after: 2, account: "444455556666"}, {after: 3}, {after: 4, account: "444455556666"}}, nil},
		{"the fifth in time comes first", slices.Concat([]failure{{after: 4 * minute}}, every(4, minute)), []string{"open 5"}},
		{"a late one joins two groups of four into an alert", slices.Concat(every(4, 20*second), []failure{{after: 200 * second}, {after: 80 * second}}), []string{"open 6"}},
		{"two bursts an hour apart are two alerts", slices.Concat(every(5, second), []failure{{after: time.Hour}, {after: time.Hour}, {after: time.Hour}, {after: time.Hour}, {after: time.Hour}}), []string{"open 5", "open 5"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := newStore()
			for i, f := range tc.events {
				set := map[string]any{}
				if f.address != "" {
					set["sourceIPAddress"] = f.address
				}
				if f.account != "" {
					set["recipientAccountId"], set["userIdentity.accountId"] = f.account, f.account
				}
				w := newWatch(t, pack, s, live.Options{}) // each time another process
				w.observe(event(t, bases, "root-signin-failure", uuid(i), f.after, set))
				w.step(monday.Unix() + 3600)
			}
			if diff := cmp.Diff(tc.want, statesOf(s, "root-signin-failures")); diff != "" {
				t.Errorf("alerts (-want +got):\n%s", diff)
			}
		})
	}
}

// statesOf are the alerts of a detection as they stand.
func statesOf(s *store, detection string) []string {
	var out []string
	for _, a := range s.alerts {
		if a.Rules[0].Name == detection {
			out = append(out, fmt.Sprint(a.State, " ", a.Count))
		}
	}
	slices.Sort(out)
	return out
}

func TestAnAlertKeepsItsKey(t *testing.T) {
	pack, bases := shipped(t)
	s := newStore()
	w := newWatch(t, pack, s, live.Options{})
	told := func(c live.Changes) string {
		var out []string
		for _, a := range c.Alerts {
			if a.Gone || strings.HasPrefix(a.Title, "Root user activity") {
				out = append(out, fmt.Sprintf("%s %d absorbed %d", name(s, a.Key), a.Count, len(a.Absorbed)))
			}
		}
		slices.Sort(out)
		return strings.Join(out, ", ")
	}
	for i, tc := range []struct {
		name string
		at   time.Duration
		want string
	}{
		{"a session begins", 0, "A 1 absorbed 0"},
		{"it goes on", 30 * time.Minute, "A 2 absorbed 0"},
		{"its start moves by a late event", -10 * time.Minute, "A 3 absorbed 0"},
		{"another session begins", 2 * time.Hour, "B 1 absorbed 0"},
		{"a late event joins the two", 80 * time.Minute, "A 5 absorbed 1"},
	} {
		w.observe(event(t, bases, "root-signin", uuid(i), tc.at, nil))
		if got := told(w.step(monday.Unix() + int64(i))); got != tc.want {
			t.Errorf("%s: got %q, want %q", tc.name, got, tc.want)
		}
	}
	w.observe(event(t, bases, "root-signin", uuid(0), 0, nil))
	if got := w.step(monday.Unix() + 9); len(got.Alerts)+len(got.Rows) > 0 || got.Duplicates != 1 {
		t.Errorf("a redelivered event changed %d alerts and %d rows, want none", len(got.Alerts), len(got.Rows))
	}
}

// name calls keys A, B and so on as they come.
func name(s *store, key string) string {
	if s.names == nil {
		s.names = map[string]string{}
	}
	if s.names[key] == "" {
		s.names[key] = string(rune('A' + len(s.names)))
	}
	return s.names[key]
}

// A late event can show that a condition with an upper bound never held.
func TestAnAlertIsTakenBack(t *testing.T) {
	pack := load(t, fmt.Sprintf(baseRule, "1", "discovery")+fmt.Sprintf(windowRule, "few", 1, "event_count", "call-1", "recipientAccountId", "10m", "lte: 1", ""))
	_, bases := shipped(t)
	s := newStore()
	w := newWatch(t, pack, s, live.Options{})
	set := map[string]any{"eventSource": "ec2.amazonaws.com", "eventName": "Describe1"}
	w.observe(event(t, bases, "assumed-root-call", uuid(1), 5*time.Minute, set))
	w.step(monday.Unix())
	if got := statesOf(s, "few"); len(got) != 1 {
		t.Fatalf("one event: got alerts %q, want one", got)
	}
	key := keyOf(s, "few")
	w.observe(event(t, bases, "assumed-root-call", uuid(2), 5*time.Minute, set))
	c := w.step(monday.Unix() + 1)
	if got := statesOf(s, "few"); len(got) > 0 {
		t.Errorf("two events: got alerts %q, want none", got)
	}
	if !slices.ContainsFunc(c.Alerts, func(a live.Alert) bool { return a.Gone && a.Key == key }) {
		t.Errorf("changes: got %+v, want %s gone", c.Alerts, key)
	}
}

func keyOf(s *store, detection string) string {
	for key, a := range s.alerts {
		if a.Rules[0].Name == detection {
			return key
		}
	}
	return ""
}

func TestWhatComesTooLateAlertsButNotInWindows(t *testing.T) {
	pack, bases := shipped(t)
	s := newStore()
	w := newWatch(t, pack, s, live.Options{Lateness: time.Hour})
	for i := range 4 {
		w.observe(event(t, bases, "root-signin-failure", uuid(i), 0, nil))
	}
	w.step(monday.Add(2 * time.Hour).Unix())
	w = newWatch(t, pack, s, live.Options{Lateness: time.Hour}) // it knows how far time was settled
	w.observe(event(t, bases, "root-signin-failure", uuid(8), 0, nil))
	w.observe(event(t, bases, "root-signin", uuid(9), 0, nil))
	if got := w.step(monday.Add(2*time.Hour).Unix() + 1); got.Late != 2 {
		t.Errorf("late: got %d, want 2", got.Late)
	}
	if got := statesOf(s, "root-signin-failures"); len(got) > 0 {
		t.Errorf("windows: got %q, want none", got)
	}
	if got := statesOf(s, "root-activity"); !slices.Equal(got, []string{"open 1"}) {
		t.Errorf("the session: got %q, want open 1", got)
	}
}

// Of several parts that have windows of a late record one counts it, whichever they are.
func TestALateRecordIsCountedOnceByAllParts(t *testing.T) {
	pack := load(t, fmt.Sprintf(baseRule, "1", "discovery")+fmt.Sprintf(windowRule, "many", 1, "event_count", "call-1", "recipientAccountId", "1h", "gte: 2", "")+
		fmt.Sprintf(windowRule, "more", 2, "event_count", "call-1", "awsRegion", "1h", "gte: 3", ""))
	_, bases := shipped(t)
	for parts := uint64(1); parts <= 4; parts++ {
		for salt := range uint64(8) {
			late, matches := 0, 0
			for part := range parts {
				s := newStore()
				o := live.Options{Lateness: time.Hour, Owns: func(hash uint64) bool { return (hash+salt)%parts == part }, Part: fmt.Sprint(part)}
				w := newWatch(t, pack, s, o)
				w.observe(event(t, bases, "assumed-root-call", uuid(1), 3*time.Hour, nil))
				w.step(monday.Add(4 * time.Hour).Unix())
				for range 2 { // it comes twice
					w.observe(event(t, bases, "assumed-root-call", uuid(2), 0, map[string]any{"eventSource": "ec2.amazonaws.com", "eventName": "Describe1"}))
				}
				c := w.step(monday.Add(4*time.Hour).Unix() + 1)
				late, matches = late+c.Late, matches+c.Matches
			}
			if late != 1 || matches != 1 {
				t.Errorf("%d parts, salt %d: got %d late records of %d matches, want 1 of 1", parts, salt, late, matches)
			}
		}
	}
}

// While a source has an outage the caller holds the time, and nothing looks silent.
func TestAnOutageIsNoSilence(t *testing.T) {
	pack := load(t, fmt.Sprintf(baseRule, "1", "discovery")+strings.Replace(fmt.Sprintf(windowRule, "silent", 1, "absence", "call-1", "recipientAccountId", "1h", "", ""), "  condition: {}\n", "", 1))
	_, bases := shipped(t)
	s := newStore()
	call := func(n int, at time.Duration) record {
		return event(t, bases, "assumed-root-call", uuid(n), at, map[string]any{"eventSource": "ec2.amazonaws.com", "eventName": "Describe1"})
	}
	o := live.Options{Lateness: 30 * time.Minute}
	w := newWatch(t, pack, s, o)
	w.observe(call(0, 0))
	w.step(monday.Add(5 * time.Minute).Unix())
	w = newWatch(t, pack, s, o) // five hours later it reads what it missed
	for i := range 6 {
		w.observe(call(1+i, time.Duration(i)*50*time.Minute))
		w.step(monday.Add(5 * time.Minute).Unix())
	}
	w.step(monday.Add(5 * time.Hour).Unix())
	if got := statesOf(s, "silent"); len(got) > 0 {
		t.Fatalf("after catching up: got %q, want no silence", got)
	}
	w.step(monday.Add(250*time.Minute + time.Hour + 30*time.Minute - time.Second).Unix())
	if got := statesOf(s, "silent"); len(got) > 0 {
		t.Fatalf("a second before the silence is settled: got %q, want none", got)
	}
	w = newWatch(t, pack, s, o)
	w.step(monday.Add(250*time.Minute + time.Hour + 30*time.Minute).Unix())
	if got := statesOf(s, "silent"); !slices.Equal(got, []string{"open 1"}) {
		t.Errorf("an hour without any event: got %q, want open 1", got)
	}
}

func TestRulesOnTrialAlertApart(t *testing.T) {
	pack, bases := shipped(t)
	s := newStore()
	w := newWatch(t, pack, s, live.Options{DryRun: func(rule string) bool { return rule == "root-console-signin" || rule == "root-signin-failures" }})
	for i := range 5 {
		w.observe(event(t, bases, "root-signin-failure", uuid(i), time.Duration(i)*time.Second, nil))
	}
	w.observe(event(t, bases, "root-signin", uuid(5), time.Minute, nil))
	w.step(monday.Unix())
	for _, a := range s.alerts {
		for _, hit := range a.Rules {
			trial := hit.Name == "root-console-signin" || hit.Name == "root-signin-failures"
			if trial != a.DryRun {
				t.Errorf("%s in alert %q: got dry run %t, want %t", hit.Name, a.Title, a.DryRun, trial)
			}
		}
	}
	want := map[string]int{"root-console-signin matches": 1, "root-console-signin alerts": 1, "root-signin-failures alerts": 1, "root-activity matches": 1, "root-activity alerts": 1}
	for what, n := range want {
		if s.volume[what] != n {
			t.Errorf("%s: got %d, want %d", what, s.volume[what], n)
		}
	}
}

func TestRulesAreReloadedWhileWindowsStayOpen(t *testing.T) {
	_, bases := shipped(t)
	rules := func(name string, condition string, source string) *detect.Pack {
		base := strings.Replace(fmt.Sprintf(baseRule, "1", "discovery"), "Describe1}", source, 1)
		return load(t, base+fmt.Sprintf(windowRule, name, 1, "event_count", "call-1", "recipientAccountId", "10m", condition, ""))
	}
	before := rules("many", "gte: 5", "Describe1}")
	for _, tc := range []struct {
		name   string
		after  *detect.Pack
		want   []string
		notice string
	}{
		{"nothing changed", before, []string{"open 5"}, ""},
		{"a lower threshold counts what was there", rules("many", "gte: 4", "Describe1}"), []string{"open 5"}, ""},
		{"a higher threshold is not reached", rules("many", "gte: 6", "Describe1}"), nil, ""},
		{"a base rule that matches otherwise begins anew", rules("many", "gte: 5", "Describe1, awsRegion: eu-west-1}"), nil, "many was changed: its windows and baselines begin anew"},
		{"a rule that is gone is dropped", load(t, fmt.Sprintf(baseRule, "1", "discovery")), nil, "many is no longer loaded: its windows and baselines are dropped"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := newStore()
			call := func(n int) record {
				return event(t, bases, "assumed-root-call", uuid(n), time.Duration(n)*time.Second, map[string]any{"eventSource": "ec2.amazonaws.com", "eventName": "Describe1", "awsRegion": "eu-west-1"})
			}
			w := newWatch(t, before, s, live.Options{})
			for i := range 4 {
				w.observe(call(i))
			}
			w.step(monday.Unix())
			w = newWatch(t, tc.after, s, live.Options{})
			if tc.notice == "" {
				for i := range 4 { // again; to windows that begin anew they are new
					w.observe(call(i))
				}
			}
			w.observe(call(4))
			c := w.step(monday.Unix() + 1)
			if got := statesOf(s, "many"); !slices.Equal(got, tc.want) {
				t.Errorf("alerts: got %q, want %q", got, tc.want)
			}
			if got := strings.Join(c.Notices, "; "); got != tc.notice {
				t.Errorf("notices: got %q, want %q", got, tc.notice)
			}
			if stale := len(c.Stale) > 0; stale != (tc.notice != "") {
				t.Errorf("stale rows: got %q", c.Stale)
			}
		})
	}
}

// A row that was damaged begins anew and is said; it does not stop what comes.
func TestDamagedRowsBeginAnew(t *testing.T) {
	pack, bases := shipped(t)
	s := newStore()
	w := newWatch(t, pack, s, live.Options{})
	for i := range 4 {
		w.observe(event(t, bases, "root-signin-failure", uuid(i), 0, nil))
	}
	w.step(monday.Unix())
	for key, row := range s.rows {
		row.Data = row.Data[:len(row.Data)/2]
		s.rows[key] = row
	}
	w = newWatch(t, pack, s, live.Options{})
	for i := range 5 {
		w.observe(event(t, bases, "root-signin-failure", uuid(10+i), 0, nil))
	}
	c := w.step(monday.Unix() + 1)
	if got := statesOf(s, "root-signin-failures"); !slices.Equal(got, []string{"open 5"}) {
		t.Errorf("alerts: got %q, want open 5 by what came after", got)
	}
	if !slices.ContainsFunc(c.Notices, func(n string) bool { return strings.Contains(n, "could not be read and begins anew") }) {
		t.Errorf("notices: got %q, want one that names a row", c.Notices)
	}
}

// What rules on watched resources ask for is remembered from records that tell of it.
func TestWatchedResourcesAreLearnt(t *testing.T) {
	pack, bases := shipped(t)
	for _, tc := range []struct {
		name string
		told bool
		want int
	}{
		{"a bucket that a trail was said to log to", true, 1},
		{"a bucket that nobody spoke of", false, 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := newStore()
			deleted := event(t, bases, "log-bucket-deleted", uuid(2), time.Hour, map[string]any{"requestParameters.bucketName": "the-logs"})
			if tc.told {
				w := newWatch(t, pack, s, live.Options{})
				w.observe(event(t, bases, "create-trail", uuid(1), 0, map[string]any{"requestParameters.s3BucketName": "the-logs"}))
				w.step(monday.Unix())
			}
			w := newWatch(t, pack, s, live.Options{})
			w.observe(deleted)
			w.step(monday.Unix() + 1)
			got := 0
			for _, a := range s.alerts {
				if slices.ContainsFunc(a.Events, func(e rootkeep.Event) bool { return e.ID == uuid(2) }) {
					got++
				}
			}
			if got != tc.want {
				t.Errorf("alerts of the deleted bucket: got %d, want %d", got, tc.want)
			}
		})
	}
}

// Rows of many callers are loaded again rather than kept.
func TestAnEngineKeepsNoMoreThanItsMemory(t *testing.T) {
	pack, bases := shipped(t)
	s := newStore()
	w := newWatch(t, pack, s, live.Options{Memory: 1})
	for i := range 50 {
		w.observe(event(t, bases, "list-users-denied", uuid(i), 0, map[string]any{"userIdentity.type": "AssumedRole", "userIdentity.sessionContext.sessionIssuer.arn": fmt.Sprint("arn:aws:iam::111122223333:role/", i)}))
		w.step(monday.Unix())
	}
	if got := len(s.rows); got < 100 {
		t.Fatalf("rows: got %d, want those of 50 callers", got)
	}
	if w.engine.Waiting() != 0 {
		t.Errorf("waiting after a step: got %d bytes, want none", w.engine.Waiting())
	}
	if got := w.engine.Kept(); got > 1 {
		t.Errorf("rows kept with a budget of one byte: got %d, want the last alone", got)
	}
}

// A server that begins with a backlog does not know how far it has come: what it read
// is known when it comes again, once it does know.
func TestABacklogIsRemembered(t *testing.T) {
	pack, bases := shipped(t)
	s := newStore()
	w := newWatch(t, pack, s, live.Options{})
	failures := func() {
		for i := range 5 {
			w.observe(event(t, bases, "root-signin-failure", uuid(i), 0, nil))
		}
		w.observe(event(t, bases, "root-signin", uuid(5), time.Minute, nil))
	}
	failures()
	w.step(time.Time{}.Unix())
	now := monday.Add(7 * 24 * time.Hour).Unix()
	s.expire(now)
	w = newWatch(t, pack, s, live.Options{})
	failures()
	if c := w.step(now); c.Duplicates != 6 || len(c.Alerts) > 0 {
		t.Errorf("the same again: got %d duplicates and %d alerts, want 6 and none", c.Duplicates, len(c.Alerts))
	}
	if got := statesOf(s, "root-signin-failures"); !slices.Equal(got, []string{"open 5"}) {
		t.Errorf("alerts: got %q, want open 5", got)
	}
}

// A source never completes: time goes on without it for windows, and no silence is told until
// it is known what that source would have brought.
func TestTimeGoesOnWithoutASourceButTellsNoSilence(t *testing.T) {
	pack := load(t, fmt.Sprintf(baseRule, "1", "discovery")+strings.Replace(fmt.Sprintf(windowRule, "silent", 1, "absence", "call-1", "recipientAccountId", "1h", "", ""), "  condition: {}\n", "", 1)+
		fmt.Sprintf(windowRule, "many", 2, "event_count", "call-1", "recipientAccountId", "1h", "gte: 2", ""))
	_, bases := shipped(t)
	s := newStore()
	call := func(n int, at time.Duration) record {
		return event(t, bases, "assumed-root-call", uuid(n), at, map[string]any{"eventSource": "ec2.amazonaws.com", "eventName": "Describe1"})
	}
	o := live.Options{Lateness: 30 * time.Minute}
	w := newWatch(t, pack, s, o)
	step := func(at, whole time.Duration) live.Changes {
		t.Helper()
		c, err := w.engine.Step(t.Context(), live.Reach{Time: monday.Add(at), Whole: monday.Add(whole)})
		if err != nil {
			t.Fatal(err)
		}
		s.commit(t, c)
		return c
	}
	w.observe(call(0, 0))
	step(0, 0)
	for hour := time.Duration(1); hour < 10; hour++ {
		if w = newWatch(t, pack, s, o); step(hour*time.Hour, 0).Late != 0 {
			t.Error("an event is late that nobody brought")
		}
	}
	if got := statesOf(s, "silent"); len(got) > 0 {
		t.Fatalf("while it is not known: got %q, want no silence", got)
	}
	w.observe(call(1, 50*time.Minute)) // the source brings what it owed: too late for windows, in time for silence
	w.observe(call(2, 80*time.Minute))
	if got := step(10*time.Hour, 0).Late; got != 2 {
		t.Errorf("late: got %d, want 2", got)
	}
	if got := statesOf(s, "many"); len(got) > 0 {
		t.Errorf("the window that was settled: got %q, want none", got)
	}
	step(10*time.Hour, 10*time.Hour)
	if got := statesOf(s, "silent"); !slices.Equal(got, []string{"open 1"}) {
		t.Fatalf("once it is known: got %q, want open 1", got)
	}
	for key, a := range s.alerts {
		if a.Rules[0].Name == "silent" && !a.First.Equal(monday.Add(80*time.Minute)) {
			t.Errorf("%s: got a silence since %v, want since the last event that the source brought", key, a.First)
		}
	}
	for key, row := range s.rows {
		if strings.HasPrefix(key, live.OwnRows) && row.Data[0] != 1 {
			t.Errorf("got version %d of the row of a part that knows everything, which older processes cannot read", row.Data[0])
		}
	}
}

// Windows over silences wait for what was observed, not for time, and go when they are spent.
func TestWindowsOverSilencesAreForgotten(t *testing.T) {
	pack := load(t, fmt.Sprintf(baseRule, "1", "discovery")+strings.Replace(fmt.Sprintf(windowRule, "silent", 1, "absence", "call-1", "recipientAccountId", "1h", "", ""), "  condition: {}\n", "", 1)+
		fmt.Sprintf(windowRule, "quiet-twice", 2, "event_count", "silent", "recipientAccountId", "6h", "gte: 2", ""))
	_, bases := shipped(t)
	s := newStore()
	w := newWatch(t, pack, s, live.Options{Lateness: 30 * time.Minute})
	step := func(at, whole time.Duration) {
		t.Helper()
		c, err := w.engine.Step(t.Context(), live.Reach{Time: monday.Add(at), Whole: monday.Add(whole)})
		if err != nil {
			t.Fatal(err)
		}
		s.commit(t, c)
		s.expire(monday.Add(at).Unix())
	}
	windows := func() (n int) {
		for key := range s.rows {
			if strings.HasPrefix(key, "w/") && strings.Count(key, "/") == 2 {
				n++
			}
		}
		return n
	}
	w.observe(event(t, bases, "assumed-root-call", uuid(0), 0, map[string]any{"eventSource": "ec2.amazonaws.com", "eventName": "Describe1"}))
	step(0, 0)
	step(2*time.Hour, 2*time.Hour)
	if got := windows(); got != 3 {
		t.Fatalf("after a silence: got %d windows, want that of the silence, by itself and for the other rule, and the one over it", got)
	}
	step(40*time.Hour, 3*time.Hour)
	if got := windows(); got != 3 {
		t.Fatalf("while it is not known what happened since: got %d windows, want 3", got)
	}
	step(40*time.Hour, 40*time.Hour)
	if got := windows(); got != 2 {
		t.Errorf("once the window is over: got %d windows, want those of the silence alone", got)
	}
}
