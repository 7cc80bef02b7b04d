package alarm

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/rootkeep/rootkeep/internal/facts"
	"github.com/rootkeep/rootkeep/internal/posture/logquery"
)

// byLogAlarm follows the alarms on scheduled queries, of this account and of those that
// keep the log of its organization's trails.
func (p *Prover) byLogAlarm(t *task) ([]Way, []facts.Gap) {
	gaps, wholly := p.home.lacksAll("trails.log_group")
	if wholly {
		return nil, gaps
	}
	var out []Way
	places := []*account{p.home}
	for _, k := range p.keepers() {
		if k.account == nil {
			out = append(out, Way{Truth: unknown, Says: k.says})
			continue
		}
		places = append(places, k.account)
	}
	for _, at := range places {
		lost, wholly := at.lacks("log_alarms.query")
		gaps = append(gaps, lost...)
		for i := range at.LogAlarms {
			if !wholly {
				out = append(out, p.byOneLogAlarm(t, at, &at.LogAlarms[i]))
			}
		}
	}
	return out, gaps
}

// byOneLogAlarm follows one alarm. One that looks at no log of a trail is about other
// things.
func (p *Prover) byOneLogAlarm(t *task, at *account, a *facts.LogAlarm) Way {
	name := fmt.Sprintf("%slog alarm %q", p.within(at), a.Name)
	fed := p.asked(t, at, name, a)
	if fed.Link == None && fed.Truth == no {
		return Way{}
	}
	query, err := p.query(a.Query)
	if err != nil {
		return Way{Truth: unknown, Says: fmt.Sprintf("%s: %v", name, err)}
	}
	way := t.match(name, func(r record) Truth { return query.Match(logquery.Event{Record: r.fields, Text: string(r.text)}) })
	switch {
	case way.Truth != yes:
		return way
	case fed.Truth != yes:
		return fed
	}
	if fires, why := resultFires(a); fires != yes {
		return Way{Link: Watched, Truth: fires, Says: name + ": " + why}
	}
	return p.byActions(at, name, sender{"cloudwatch.amazonaws.com", a.ARN}, a.ActionsEnabled, a.Actions)
}

// query parses a query once.
func (p *Prover) query(text string) (*logquery.Query, error) {
	if q := p.queries[text]; q != nil {
		return q, nil
	}
	q, err := logquery.Parse(text)
	p.queries[text] = q
	return q, err
}

// asked says whether a live trail delivers to one of the log groups that the alarm asks.
func (p *Prover) asked(t *task, at *account, name string, a *facts.LogAlarm) Way {
	if len(a.LogGroups) == 0 {
		return Way{Truth: unknown, Says: name + ": which log groups it asks is not said"}
	}
	best := Way{}
	for i := range p.home.Trails {
		trail := &p.home.Trails[i]
		arn, group, ok := groupOf(trail.LogGroup)
		if !ok || arn.Account != at.id && at.id != "" || !sameRegion(trail.LogGroup, a.ARN) {
			continue
		}
		for _, asked := range a.LogGroups {
			if _, of, isARN := groupOf(asked); asked != group && !(isARN && of == group && sameRegion(asked, trail.LogGroup)) {
				continue
			}
			_, way := p.feeds(t, at, name, group, string(arn.Region))
			best = better(best, way)
		}
	}
	return best
}

// resultFires says whether one event alone gives a result that takes the alarm to ALARM.
// Queries overlap or leave gaps: what lies between two of them no result counts.
func resultFires(a *facts.LogAlarm) (Truth, string) {
	counted, _, _ := strings.Cut(strings.ToLower(strings.ReplaceAll(a.Aggregation, " ", "")), "by")
	if counted != "count(*)" && counted != "count()" {
		return unknown, fmt.Sprintf("what %q comes to for one event is not computed", a.Aggregation)
	}
	words, holds := compare(a.Comparison, 1, a.Threshold)
	every, err := seconds(a.Schedule)
	switch {
	case words == "":
		return unknown, fmt.Sprintf("comparison %q is not computed", a.Comparison)
	case !holds:
		return no, fmt.Sprintf("one event gives a count of 1, which is not %s %s", words, number(a.Threshold))
	case err != nil:
		return unknown, err.Error()
	case a.From-a.To < every:
		return no, fmt.Sprintf("it looks at %d seconds every %d, and never at what happens between", a.From-a.To, every)
	case a.MissingData == "breaching":
		return no, "a query without a result counts as breaching, so it is always in ALARM and an event changes nothing"
	case a.ResultsToAlarm > 1 && a.From-a.To < a.ResultsToAlarm*every:
		return no, fmt.Sprintf("%d results have to breach, and not so many queries see one event", a.ResultsToAlarm)
	case a.MissingData == "ignore":
		return unknown, "whether a query that finds nothing gives a result AWS does not say; without one the alarm keeps its state and tells of no second event"
	}
	return yes, ""
}

// seconds reads a schedule such as rate(5 minutes).
func seconds(schedule string) (int, error) {
	inner, ok := strings.CutPrefix(schedule, "rate(")
	inner, closed := strings.CutSuffix(inner, ")")
	count, unit, _ := strings.Cut(inner, " ")
	n, err := strconv.Atoi(count)
	size := map[string]int{"minute": 60, "hour": 3600, "day": 86400}[strings.TrimSuffix(unit, "s")]
	if !ok || !closed || err != nil || n < 1 || n > 1_000_000 || size == 0 {
		return 0, fmt.Errorf("the schedule %q is not computed", schedule)
	}
	return n * size, nil
}
