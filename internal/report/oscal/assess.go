package oscal

import (
	"fmt"
	"strconv"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/access/story"
	"github.com/rootkeep/rootkeep/internal/incident"
)

// The objectives. They are rootkeep's own: what a framework asks of root is mapped to them
// by whoever reads the results.
const (
	objectiveCovered   = "root-log-complete"
	objectiveExplained = "root-use-explained"
	objectiveApproved  = "root-use-approved"
	objectiveRecorded  = "root-use-recorded"
	objectiveCases     = "root-cases-closed"
)

// mostObserved is how many events, and requests, have an observation of their own.
// Findings count all of them.
const mostObserved = 20_000

func number[T int | int64](n T) string { return strconv.FormatInt(int64(n), 10) }

func own(name, value string) prop { return prop{name, namespace, line(value)} }

// assess makes the one result: an observation for each event and each request, and five
// findings over them.
func assess(s *story.Story, at string) result {
	r := result{
		Title: "Use of root users", Description: "Every event of root users in the period has a verdict, and every request to use one its signatures and its record.",
		Start: stamp(s.From), End: stamp(s.To),
		Reviewed: reviewed{[]selection{{Description: "Objectives of rootkeep about the use of root users.", Include: []control{
			{objectiveCovered}, {objectiveExplained}, {objectiveApproved}, {objectiveRecorded}, {objectiveCases},
		}}}},
	}
	for _, v := range rootkeep.Verdicts() {
		r.Props = append(r.Props, own("events-"+lower(v), number(s.Tally()[v])))
	}
	events := observations(&r, s.Verdicts, observeEvent)
	requests := observations(&r, s.Requests, func(x *story.Request) observation { return observeRequest(x, at) })
	for _, f := range []finding{covered(s), explained(s), approved(s), recorded(s), cases(s)} {
		switch f.Target.ID {
		case objectiveExplained:
			f.Related = events
		case objectiveApproved, objectiveRecorded:
			f.Related = requests
		}
		f.UUID = identify("finding", f)
		r.Findings = append(r.Findings, f)
	}
	r.UUID = identify("result", r)
	return r
}

func observations[T any](r *result, all []T, observe func(T) observation) []related {
	var out []related
	for _, one := range all[:min(len(all), mostObserved)] {
		o := observe(one)
		o.UUID = identify("observation", o)
		r.Observations = append(r.Observations, o)
		out = append(out, related{o.UUID})
	}
	return out
}

func lower(v rootkeep.Verdict) string {
	return map[rootkeep.Verdict]string{
		rootkeep.Explained: "explained", rootkeep.Drill: "drill", rootkeep.OutOfScope: "out-of-scope", rootkeep.OutOfWindow: "out-of-window",
		rootkeep.Unexplained: "unexplained", rootkeep.ByService: "service",
	}[v]
}

func observeEvent(v *story.Verdict) observation {
	e := &v.Event
	o := observation{
		Title: line("Event " + v.Key + ": " + string(e.Verdict)), Description: line(e.Why),
		Props: []prop{
			own("verdict", string(e.Verdict)), own("rule", e.Rule), own("account-id", string(e.Account)), own("region", string(e.Region)),
			own("event-id", e.ID), own("event-name", e.Source+" "+e.Name), own("event-time", e.Time.UTC().Format(time.RFC3339)),
		},
		Methods: []string{"EXAMINE"}, Types: []string{"finding"}, Collected: stamp(v.At), Evidence: entry(v.Entry),
	}
	if e.Request != "" {
		o.Props = append(o.Props, own("request", e.Request))
	}
	return o
}

func entry(n int64) []evidence {
	return []evidence{{"entries/" + number(n) + ".json", "Entry " + number(n) + " of the ledger, with its receipt in receipts/" + number(n) + ".tlog-proof"}}
}

func observeRequest(x *story.Request, at string) observation {
	o := observation{
		Title: line("Request " + x.ID + ": " + x.State), Description: line(x.Asked.Title + ": " + x.Asked.Justification),
		Props: []prop{
			own("state", x.State), own("task", x.Asked.Task), own("requester", x.Requester), own("kind", string(x.Asked.Kind)), own("path", string(x.Asked.Path)),
			own("request-sha256", x.Content.String()),
		},
		Methods: []string{"EXAMINE"}, Types: []string{"finding"}, Collected: at,
	}
	for _, a := range x.Asked.Accounts {
		o.Props = append(o.Props, own("account-id", string(a)))
	}
	for _, sig := range x.Signatures {
		o.Props = append(o.Props, own("signature-"+string(sig.Decision), sig.Approver+" with key "+sig.Key))
		o.Evidence = append(o.Evidence, entry(sig.Entry)...)
	}
	if len(o.Evidence) == 0 {
		o.Evidence = entry(x.History[0].Entry)
	}
	if x.Lacking != "" {
		o.Remarks = line("Not signed as it had to be: " + x.Lacking)
	}
	return o
}

// satisfied makes a finding. OSCAL knows two states: what holds in part, and what is not
// known, does not hold, and remarks say how far it does.
func satisfied(id, title, description string, holds bool, remarks string) finding {
	state, reached := "satisfied", ""
	if !holds {
		state, reached = "not-satisfied", line(remarks)
	}
	return finding{Title: title, Description: description, Target: target{"objective-id", id, status{state, reached}}, Remarks: line(remarks)}
}

// part says how far something holds.
func part(holds, all int, what string) string {
	switch {
	case all == 0:
		return "None: there was no " + what + "."
	case holds == all:
		return "All " + number(all) + ": " + what + "."
	case holds > 0:
		return fmt.Sprintf("Partial: %d of %d, %s.", holds, all, what)
	}
	return fmt.Sprintf("None of %d: %s.", all, what)
}

func covered(s *story.Story) finding {
	made := 0
	for i := range s.Claims {
		if s.Claims[i].Covered {
			made++
		}
	}
	remarks := part(made, len(s.Claims), "account whose log the ledger tells to be proven complete for the period")
	if len(s.Gaps) > 0 {
		remarks += fmt.Sprintf(" Not all is known: %d entries do not tell what they ought to.", len(s.Gaps))
	}
	holds := made == len(s.Claims) && made > 0 && len(s.Gaps) == 0
	return satisfied(objectiveCovered, "The log is complete", "The log of every account is proven complete for the whole period.", holds, remarks)
}

func explained(s *story.Story) finding {
	good := 0
	for _, v := range s.Verdicts {
		if v.Event.Verdict.Harmless() {
			good++
		}
	}
	claims := 0
	for i := range s.Claims {
		if s.Claims[i].Made {
			claims++
		}
	}
	remarks := part(good, len(s.Verdicts), "event of a root user that a request, a scan or an AWS service explains") + " " +
		part(claims, len(s.Claims), "account of which it is known that nothing else happened")
	holds := good == len(s.Verdicts) && claims == len(s.Claims) && claims > 0
	return satisfied(objectiveExplained, "Every use is explained", "Every event of a root user is explained, and it is known that there are no others.", holds, remarks)
}

func approved(s *story.Story) finding {
	granted, good := 0, 0
	for _, x := range s.Requests {
		if x.WasGranted() {
			granted++
			if x.Lacking == "" && x.Reviewed() {
				good++
			}
		}
	}
	for _, c := range s.Changes {
		if granted++; c.Lacking == "" {
			good++
		}
	}
	return satisfied(objectiveApproved, "Every use is approved", "As many security keys as the policy asks for signed every request that was granted, and every change that an event is of; an override was reviewed, and justified.", good == granted,
		part(good, granted, "granted request or change that is signed as it had to be, or whose override was found justified"))
}

func recorded(s *story.Story) finding {
	opened, good := 0, 0
	for _, x := range s.Requests {
		if !x.Opened.IsZero() {
			opened++
			if x.State == "closed" && len(x.Activity) > 0 {
				good++
			}
		}
	}
	return satisfied(objectiveRecorded, "Every session has a record", "Of every session that was opened there is a record of what was done, confirmed by who asked for it.", good == opened,
		part(good, opened, "opened session that has a confirmed record"))
}

func cases(s *story.Story) finding {
	good := 0
	for _, c := range s.Cases {
		if c.State == incident.Closed {
			good++
		}
	}
	return satisfied(objectiveCases, "Every case is closed", "Every case that a use of root opened is closed.", good == len(s.Cases), part(good, len(s.Cases), "case that is closed"))
}
