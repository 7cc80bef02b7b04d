package reconcile

import (
	"slices"
	"sort"
	"time"

	"github.com/rootkeep/rootkeep"
)

// apart is how far a sign-in, or a step of one, may be from the session that it belongs
// to: a sign-in carries no session (workflow of the console, as its events show it).
const apart = 5 * time.Minute

// consoles are the sessions in which people used root, by whose root it is. They are
// known by when they were created: a console makes a new access key for each call.
type consoles struct {
	created map[rootkeep.AccountID][]time.Time // of sessions that made a call, in order
	signIns map[origin][]time.Time             // that succeeded, in order
	refused map[string]string                  // labels of sessions whose sign-in nothing explains, with why
}

// origin is where somebody signs in from, as whose root.
type origin struct {
	of      rootkeep.AccountID
	address string
}

// session is one session of a root user, by when it was created, or by its access key.
type session struct {
	label string
	start time.Time
}

func (c *consoles) add(e *Event) {
	if c.created == nil {
		c.created, c.signIns, c.refused = map[rootkeep.AccountID][]time.Time{}, map[origin][]time.Time{}, map[string]string{}
	}
	switch {
	case e.Doubtful: // it would draw a sign-in away from the session that it began
	case e.Kind == rootkeep.RootCall && !e.Created.IsZero():
		c.created[e.Of] = append(c.created[e.Of], e.Created.UTC())
	case e.Kind == rootkeep.RootSignIn:
		at := origin{e.Of, e.Address}
		c.signIns[at] = append(c.signIns[at], e.Time)
	}
}

func (c *consoles) sort() {
	for a, list := range c.created {
		slices.SortFunc(list, time.Time.Compare)
		c.created[a] = slices.CompactFunc(list, time.Time.Equal)
	}
	// Sign-ins come in order already.
}

func consoleAt(of rootkeep.AccountID, created time.Time) session {
	return session{string(of) + "@" + stamp(created), created.UTC()}
}

// near is the session that a sign-in began: the one that was created closest to it, the
// earlier of two; its own time if there is none.
func (c *consoles) near(of rootkeep.AccountID, at time.Time) session {
	list := c.created[of]
	i := sort.Search(len(list), func(i int) bool { return !list[i].Before(at) })
	best, found := time.Time{}, false
	for _, k := range []int{i - 1, i} {
		if k < 0 || k >= len(list) || list[k].Sub(at).Abs() > apart {
			continue
		}
		if !found || list[k].Sub(at).Abs() < best.Sub(at).Abs() {
			best, found = list[k], true
		}
	}
	if !found {
		best = at
	}
	return consoleAt(of, best)
}

// before is the session that a step led to: that of the next sign-in from the same address.
// What led to none is of no session. The label takes those of a day together, for whoever
// knows the address of root can fail as often as they like.
func (c *consoles) before(e *Event) session {
	list := c.signIns[origin{e.Of, e.Address}]
	i := sort.Search(len(list), func(i int) bool { return !list[i].Before(e.Time) })
	if i < len(list) && list[i].Sub(e.Time) <= apart {
		return c.near(e.Of, list[i])
	}
	return session{string(e.Of) + "@" + e.Time.UTC().Format(time.DateOnly) + " without a sign-in", e.Time}
}

// sessionOf is the session that an event belongs to.
func (j *judge) sessionOf(e *Event) session {
	switch e.Kind {
	case rootkeep.RootAssumed:
		if e.IssuedKey != "" {
			return session{e.IssuedKey, e.Time}
		}
	case rootkeep.AssumedRootCall:
		if e.AccessKey != "" {
			return session{e.AccessKey, j.started(e)}
		}
	case rootkeep.RootSignIn:
		return j.console.near(e.Of, e.Time)
	case rootkeep.RootSignInStep, rootkeep.RootFailedSignIn:
		return j.console.before(e)
	case rootkeep.RootCall, rootkeep.RootKeyCall, rootkeep.RootByService:
		switch {
		case j.assumed(e.AccessKey):
			return session{e.AccessKey, j.started(e)}
		case e.Kind == rootkeep.RootCall && !e.Created.IsZero():
			return consoleAt(e.Of, e.Created)
		case e.Kind == rootkeep.RootKeyCall && e.AccessKey != "":
			return session{e.AccessKey, e.Time} // a key that does not end has no beginning
		case e.Kind != rootkeep.RootKeyCall && e.AccessKey != "":
			return session{e.AccessKey, j.first[e.AccessKey]}
		}
	}
	return consoleAt(e.Of, e.Time)
}

// signedIn notes a sign-in that nothing explains: then nothing explains its session.
func (j *judge) signedIn(e *Event, r ruling) {
	if s := j.console.near(e.Of, e.Time); r.verdict == rootkeep.Unexplained {
		j.console.refused[s.label] = least(j.console.refused[s.label], r.why)
	}
}
