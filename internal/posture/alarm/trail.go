package alarm

import (
	"fmt"
	"slices"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/facts"
)

// carries says whether a trail is logging and records all of the events. why goes after
// the trail's name where it is not, or not known.
func (p *Prover) carries(t *facts.Trail, events []record) (carries Truth, why string, gaps []facts.Gap) {
	live, gaps := p.live(t)
	switch live {
	case no:
		return no, "is not logging", nil
	case unknown:
		return unknown, "is logging was not read", gaps
	}
	known, gaps := p.selecting(t)
	if known == nil {
		return unknown, "records these events was not read", gaps
	}
	carries = yes
	for _, e := range events {
		switch records(known.Selectors, e) {
		case no:
			return no, "does not record " + e.name, nil
		case unknown:
			carries, why = unknown, fmt.Sprintf("records %s hangs on conditions of its selectors", e.name)
		}
	}
	return carries, why, nil
}

// live says whether a trail is logging. A file of DescribeTrails does not tell it: only
// where AWS was asked in vain is that unknown, and another account may know it.
func (p *Prover) live(t *facts.Trail) (Truth, []facts.Gap) {
	gaps, _ := p.home.lacks("trails.logging")
	gaps = slices.DeleteFunc(of(gaps, t.ARN), func(g facts.Gap) bool { return g.Permission == "" })
	if len(gaps) > 0 {
		if t = p.elsewhere(t, "trails.logging"); t == nil {
			return unknown, gaps
		}
	} else if _, told := p.home.snapshot.Origin("trails.logging"); !told {
		return yes, nil
	}
	if t.Logging {
		return yes, nil
	}
	return no, nil
}

// selecting gives the trail as an account has it that knows its selectors, nil if none
// does.
func (p *Prover) selecting(t *facts.Trail) (*facts.Trail, []facts.Gap) {
	gaps, wholly := p.home.lacks("trails.selectors")
	if gaps = of(gaps, t.ARN); !wholly && len(gaps) == 0 {
		return t, nil
	}
	return p.elsewhere(t, "trails.selectors"), gaps
}

// elsewhere asks the account that owns the trail, and the one that keeps its log, for
// the trail with a fact of it; nil if neither has it.
func (p *Prover) elsewhere(t *facts.Trail, path string) *facts.Trail {
	for _, arn := range []string{t.ARN, t.LogGroup} {
		owner, err := rootkeep.ParseARN(arn)
		if err != nil || owner.Account == p.home.id {
			continue
		}
		a := p.other(owner.Account)
		if a == nil {
			continue
		}
		i := slices.IndexFunc(a.Trails, func(other facts.Trail) bool { return other.ARN == t.ARN })
		lost, wholly := a.lacks(path)
		if i >= 0 && !wholly && len(of(lost, t.ARN)) == 0 {
			return &a.Trails[i]
		}
	}
	return nil
}

// records says whether a trail with these selectors records a management event. What a
// selector takes under further conditions it may record.
//
// Source: CloudTrail User Guide, "Logging management events".
func records(selectors []facts.Selector, e record) Truth {
	reads, told := e.fields["readOnly"].(bool)
	source, _ := e.fields["eventSource"].(string)
	out := no
	for _, s := range selectors {
		if s.Category != "Management" || slices.Contains(s.Excluded, source) {
			continue
		}
		takes := reads && s.Reads || !reads && s.Writes
		if !told {
			takes = s.Reads && s.Writes
		}
		switch {
		case takes && len(s.Only) == 0:
			return yes
		case takes || !told && (s.Reads || s.Writes):
			out = unknown
		}
	}
	return out
}
