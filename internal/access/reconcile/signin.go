package reconcile

import (
	"cmp"
	"net/netip"
	"slices"
	"strings"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/access"
)

// byPerson judges what somebody did who signed in as root, or tried to.
func (j *judge) byPerson(e *Event) ruling {
	if e.Source == signInSource && e.Account != "" && e.Of != e.Account {
		return unexplained(OtherAccount, "A step of a sign-in names root of %s in the log of %s.", quoted(string(e.Of)), quoted(string(e.Account)))
	}
	s := j.sessionOf(e)
	if why := j.console.refused[s.label]; why != "" && e.Kind.Used() && e.Kind != rootkeep.RootSignIn {
		return unexplained(BySignIn, "Nothing explains the sign-in that began its session. %s", why)
	}
	var all []ruling
	for _, r := range j.signIns[e.Of] {
		if r.From.Add(-Skew).After(e.Time) || !r.Until.Add(Skew).After(e.Time) && !r.holds(s.start) {
			continue // another time
		}
		all = append(all, r.used(e, s))
	}
	if len(all) == 0 {
		return unexplained(NoRequest, "No approved request for the root user of %s has this time in its window.", quoted(string(e.Of)))
	}
	return best(all)
}

// used judges an event of a root user at a time that has to do with the request.
func (r *Request) used(e *Event, s session) ruling {
	if !r.from(e.Address) {
		return unexplained(BySignIn, "%s is to be used from %s, and the event comes from %s.", r.ID, networks(r.Networks), quoted(e.Address))
	}
	if e.Kind == rootkeep.RootSignIn && r.Device != "" && !sameDevice(r.Device, e.Device) {
		return unexplained(BySignIn, "For %s the MFA device %s was handed out, and the sign-in names %s.", r.ID, quoted(r.Device), quoted(cmp.Or(e.Device, "none")))
	}
	switch {
	case !r.holds(e.Time):
		return r.under(rootkeep.OutOfWindow, BySignIn, "It is of %s by account and network, and outside its time (%s).", r.ID, r.times())
	case !r.holds(s.start):
		return r.under(rootkeep.OutOfWindow, BySignIn, "The session began at %s, and %s is for sessions that begin in its time (%s).", stamp(s.start), r.ID, r.times())
	case r.over(e, s.start):
		return r.under(rootkeep.OutOfWindow, BySignIn, "The session of %s began at %s and was to last %s.", r.ID, stamp(s.start), r.Session)
	}
	switch e.Kind {
	case rootkeep.RootSignIn:
		return r.under(rootkeep.Explained, BySignIn, "A sign-in for %s: account, time and network agree%s%s.", r.ID, r.withDevice(), r.bypassed())
	case rootkeep.RootSignInStep:
		if !r.takesStep(e.Name) {
			return r.under(rootkeep.OutOfScope, BySignIn, "It is of %s by account, time and network, and its task does not name this step.", r.ID)
		}
		return r.under(rootkeep.Explained, BySignIn, "A step of a sign-in for %s: account, time and network agree%s.", r.ID, r.bypassed())
	case rootkeep.RootFailedSignIn:
		return r.under(rootkeep.Explained, BySignIn, "A sign-in that failed while %s was open, from its networks%s.", r.ID, r.bypassed())
	case rootkeep.RootCredential:
		if !named(r.Events, e.Source, e.Name) {
			return r.under(rootkeep.OutOfScope, BySignIn, "It is of %s by account, time and network, and its task names no change of root's credentials such as this.", r.ID)
		}
		return r.under(rootkeep.Explained, BySignIn, "The task of %s needs it; account, time and network agree%s.", r.ID, r.bypassed())
	}
	return r.called(e)
}

// called judges a call in a session that is of the request by account, time and network.
func (r *Request) called(e *Event) ruling {
	switch {
	case access.Covers(r.Events, e.Source, e.Name):
		return r.under(rootkeep.Explained, BySignIn, "The task of %s needs the call; account, time and network agree%s.", r.ID, r.bypassed())
	case e.Kind == rootkeep.RootCall && isReading(e):
		return r.under(rootkeep.Explained, ByReading, "A call that only reads, as the console makes by itself, in the session of %s%s.", r.ID, r.bypassed())
	}
	return r.under(rootkeep.OutOfScope, BySignIn, "It is of %s by account, time and network, and its task does not need this call.", r.ID)
}

func (r *Request) withDevice() string {
	if r.Device != "" {
		return ", the device is the one that was handed out"
	}
	return ""
}

// from says whether an event comes from a network of the request. What is no address, such
// as the name of a service, is not known to.
func (r *Request) from(address string) bool {
	a, err := netip.ParseAddr(address)
	return err == nil && slices.ContainsFunc(r.Networks, func(n netip.Prefix) bool { return n.Contains(a.Unmap().WithZone("")) })
}

func networks(list []netip.Prefix) string {
	words := make([]string, len(list))
	for i, n := range list {
		words[i] = n.String()
	}
	return cmp.Or(strings.Join(words, ", "), "no network")
}

// sameDevice compares an MFA device as it was declared with what a sign-in names: whole,
// or the declared one by the last part of the ARN alone, as a hardware token is called.
func sameDevice(declared, named string) bool {
	return declared == named || !strings.ContainsAny(declared, ":/") && named != "" && declared == named[strings.LastIndexByte(named, '/')+1:]
}
