package least

import (
	"slices"
	"strings"

	"github.com/rootkeep/rootkeep/iam"
	"github.com/rootkeep/rootkeep/iam/least/event"
)

// grant is an action that a proposal allows by a statement made from one of today's.
type grant struct {
	unit      *unit
	action    string
	passedTo  []string                  // services, of iam:PassRole
	resources map[string]event.Resource // by text
	asToday   bool                      // the resources of the statement as it is
}

// grants collects what a proposal allows, by statement, action and receivers.
type grants struct {
	list  []*grant
	index map[string]*grant
}

func (g *grants) get(u *unit, action string, to []string) *grant {
	key := u.ref.String() + "\x00" + action
	for _, t := range to {
		key += "\x00" + t
	}
	out := g.index[key]
	if out == nil {
		out = &grant{unit: u, action: action, passedTo: to, resources: map[string]event.Resource{}}
		if g.index == nil {
			g.index = map[string]*grant{}
		}
		g.index[key] = out
		g.list = append(g.list, out)
	}
	return out
}

// need is one call that a proposal must allow.
type need struct {
	entry   *entry
	context map[string][]string
	today   iam.Decision
	// placed says that the decision is about the very resource; otherwise it is about
	// every resource that it may have been.
	placed bool
	units  []*unit // by which today's policies may have allowed it
}

// judged are the calls of one action.
type judged struct {
	needs   []need
	outside []Observation // that today's policies do not allow
	lost    bool          // contexts of calls were not kept
	leave   bool          // among the calls not kept may be some that were allowed otherwise
}

// judge asks today's policies about each call of one action.
func (c *current) judge(entries []*entry) judged {
	var out judged
	readings := map[string]bool{} // of which one is allowed
	for _, e := range entries {
		out.lost = out.lost || e.lost > 0
		reason := ""
		for _, context := range e.each() {
			n := need{entry: e, context: context, placed: e.resource.Certainty == event.Named || e.resource.Certainty == event.NoneHave}
			request := c.request(e.action.String(), e.resource, context)
			n.today = c.set.Decide(request)
			n.units = c.allowing(n, request)
			if len(n.units) == 0 || n.placed && n.today.Outcome != iam.Allowed && n.today.Outcome != iam.Conditional {
				reason = c.why(n)
				continue
			}
			out.needs = append(out.needs, n)
			readings[e.resource.OneOf] = true
		}
		if reason != "" {
			out.leave = out.leave || e.lost > 0
			o := e.observation()
			o.Reason, o.oneOf = reason, e.resource.OneOf
			out.outside = append(out.outside, o)
		}
	}
	// A name that can be read in two ways is outside if neither is allowed.
	out.outside = slices.DeleteFunc(out.outside, func(o Observation) bool { return o.oneOf != "" && readings[o.oneOf] })
	return out
}

// each are the contexts of an entry, at least one.
func (e *entry) each() []map[string][]string {
	if len(e.contexts) == 0 {
		return []map[string][]string{nil}
	}
	return e.contexts
}

// allowing are the statements by which a call may have been allowed.
func (c *current) allowing(n need, request *iam.Request) (out []*unit) {
	for _, u := range c.units {
		switch d := u.alone.Decide(request); {
		case d.Outcome == iam.Allowed || d.Outcome == iam.Conditional:
			out = append(out, u)
		case (!n.placed || n.entry.lost > 0) && u.single.MayAllow(request.Action) && u.touches(n.entry.resource):
			// Another resource, or a context that was not kept, may have been allowed by it.
			out = append(out, u)
		}
	}
	return out
}

// touches says whether the statement may be about some resource of a pattern.
func (u *unit) touches(r event.Resource) bool {
	return u.statement.NotResource != nil || len(u.own(r)) > 0
}

// why says why today's policies do not allow a call that succeeded.
func (c *current) why(n need) string {
	switch {
	case n.today.Outcome == iam.ExplicitlyDenied:
		return "a Deny of today's policies forbids it: " + n.today.Statement.String()
	case len(c.unread) > 0 && len(n.units) == 0:
		return "no policy whose text is known allows it"
	case len(n.units) == 0:
		return "no current identity policy allows it: a policy of the resource did, or the policies have changed"
	}
	return "not allowed by: " + n.today.By.String()
}

// holds says whether a statement certainly allows a call.
func (c *current) holds(u *unit, n *need) bool {
	if !slices.Contains(n.units, u) {
		return false
	}
	if !n.placed && !u.covers(n.entry.resource) {
		return false
	}
	return u.alone.Decide(c.request(n.entry.action.String(), n.entry.resource, n.context)).Allowed()
}

// choose picks the statements by which the proposal allows each call: one that allows
// them all, if there is one, with conditions before one without; else for each call one
// that certainly allows it, else all that may.
func (c *current) choose(j judged) [][]*unit {
	out := make([][]*unit, len(j.needs))
	if u := c.oneForAll(j); u != nil {
		for i := range out {
			out[i] = []*unit{u}
		}
		return out
	}
	for i := range j.needs {
		n := &j.needs[i]
		for _, u := range n.units {
			if !c.holds(u, n) || u.conditional() && (out[i] != nil || n.entry.lost > 0) {
				continue
			}
			out[i] = []*unit{u}
			if !u.conditional() {
				break
			}
		}
		if out[i] == nil {
			out[i] = n.units
		}
	}
	return out
}

func (c *current) oneForAll(j judged) (best *unit) {
	for _, u := range c.units {
		// With calls that were not kept, nobody knows whether all met the condition.
		if u.conditional() && j.lost || best != nil && (best.conditional() || !u.conditional()) {
			continue
		}
		all := len(j.needs) > 0
		for i := range j.needs {
			if all = c.holds(u, &j.needs[i]); !all {
				break
			}
		}
		if all {
			best = u
		}
	}
	return best
}

// derive turns the calls of one action into grants.
func (c *current) derive(g *grants, j judged) {
	chosen := c.choose(j)
	for i := range j.needs {
		e := j.needs[i].entry
		for _, u := range chosen[i] {
			to := e.passedTo
			if e.anyReceiver || u.restricts("iam:PassedToService") {
				to = nil
			}
			gr := g.get(u, e.action.String(), to)
			narrow := u.narrow(e.resource)
			gr.asToday = gr.asToday || len(narrow) == 0
			for _, r := range narrow {
				gr.resources[r.Text] = r
			}
		}
	}
}

// leave grants an action on what today's statements have: calls of it found no room in
// the log.
func (c *current) leave(g *grants, action string) {
	for _, u := range c.units {
		if u.single.MayAllow(action) {
			g.get(u, action, nil).asToday = true
		}
	}
}

// narrow are the resources of a statement made from u for one resource of a call; none
// means that the statement's own stay.
func (u *unit) narrow(r event.Resource) []event.Resource {
	switch {
	case u.covers(r):
		return []event.Resource{r}
	case u.statement.NotResource != nil:
		if r.Certainty == event.Named && !slices.ContainsFunc(u.patterns(), u.variable) {
			return []event.Resource{r} // the evaluator found that it is not among them
		}
		return nil
	}
	return u.own(r)
}

// restricts says whether the statement has a condition on the key.
func (u *unit) restricts(key string) bool {
	keys := map[string]bool{}
	addKeys(keys, u.single)
	return keys[strings.ToLower(key)]
}
