package reconcile

import "github.com/rootkeep/rootkeep"

// Needed says what would have to be there for the event to be explained, a sentence each;
// none if it is.
func (e *Judged) Needed() []string {
	if e.Verdict.Harmless() {
		return nil
	}
	switch e.Rule {
	case NoTime, InFuture, NotClear, OtherAccount:
		return []string{"A record as AWS writes it: with one time in the past, each member once, and one account.",
			"rootkeep trail verify says whether CloudTrail delivered this one."}
	case ByScan:
		return []string{"A snapshot of the scan, or the folder of it, that recorded the access key for this account (--scans), a session under " + audit.name + ", and no call but those that it allows."}
	}
	out := []string{}
	switch e.Kind {
	case rootkeep.RootAssumed:
		out = append(out, "An approved request on the path assumed for the account that AssumeRoot aims at, in its time, whose task needs this task policy, with the issued access key among those that rootkeep recorded.")
	case rootkeep.AssumedRootCall:
		out = append(out, "An explained AssumeRoot that issued the access key, or the key among those that rootkeep recorded for an approved request, and this call in the scope of its task.")
	case rootkeep.RootGovernance:
		return []string{"A change or a request of rootkeep that made the call, with the access key recorded for it and the call in its scope."}
	default:
		out = append(out, "An approved request for a sign-in to this account, opened before and closed after this time, from a network that holds the address, for a task that needs the call.")
	}
	switch e.Verdict {
	case rootkeep.OutOfWindow:
		out = append(out, "The session would have to begin and end while the request was open, and last no longer than was approved.")
	case rootkeep.OutOfScope:
		out = append(out, "The call would have to be among the events of the task.")
	}
	return out
}
