// Package logquery is the part of the query language of CloudWatch Logs Insights that
// finds events: a query and a JSON event go in; whether the query finds the event comes
// out. Commands that only choose or order columns pass; one that computes rows is an
// error, and what AWS does not say of a comparison is Unknown.
//
// Source: Amazon CloudWatch Logs User Guide, "CloudWatch Logs Insights query syntax".
package logquery

import (
	"fmt"
	"strings"

	"github.com/rootkeep/rootkeep/internal/posture/filterpattern"
)

// Truth is a three-valued answer.
type Truth = filterpattern.Truth

const (
	no      = filterpattern.False
	unknown = filterpattern.Unknown
	yes     = filterpattern.True
)

func truth(b bool) Truth {
	if b {
		return yes
	}
	return no
}

// Query is a parsed query: it finds the events that all its filters take.
type Query struct{ filters []node }

const (
	maxQuery   = 10_000 // characters, AWS's quota on the query of an alarm
	maxNesting = 100
)

// Parse reads a query. The error says which character is not understood, or which
// command is not computed.
func Parse(text string) (*Query, error) {
	if len(text) > maxQuery {
		return nil, fmt.Errorf("log query: longer than %d characters", maxQuery)
	}
	p := parser{text: text}
	var out Query
	for {
		command, at := p.word(), p.at
		switch strings.ToLower(command) {
		case "filter":
			n, err := p.or(0)
			if err != nil {
				return nil, err
			}
			out.filters = append(out.filters, n)
		case "fields", "display", "sort", "limit":
			// A computed column may be what a later filter asks about.
			if rest := p.skip(); strings.ContainsAny(rest, "(+*/%^") || strings.Contains(rest, " as ") {
				return nil, fmt.Errorf("log query: %s with an expression is not computed", command)
			}
		case "":
			return nil, p.fail("want a command such as filter")
		default:
			return nil, fmt.Errorf("log query, character %d: the command %s is not computed", at+1-len(command), command)
		}
		if p.space(); p.done() {
			return &out, nil
		}
		if !p.take("|") {
			return nil, p.fail("want | or the end")
		}
	}
}

// Event is a log event: its JSON, and the text that it came as.
type Event struct {
	Record map[string]any
	Text   string
}

// Match says whether the query finds the event.
func (q *Query) Match(e Event) Truth {
	out := yes
	for _, n := range q.filters {
		t, _ := n.eval(&e)
		out = min(out, t)
	}
	return out
}

// node is a part of an expression. An answer is vague if it is about a field that is not
// there: AWS says that no comparison with it holds, and not what its negation comes to.
type node interface {
	eval(e *Event) (t Truth, vague bool)
}

type (
	all  []node
	some []node
	not  struct{ node }
)

func (n all) eval(e *Event) (Truth, bool) {
	out, vague := yes, false
	for _, kid := range n {
		t, v := kid.eval(e)
		out, vague = min(out, t), vague || v
	}
	return out, vague
}

func (n some) eval(e *Event) (Truth, bool) {
	out, vague := no, false
	for _, kid := range n {
		t, v := kid.eval(e)
		out, vague = max(out, t), vague || v
	}
	return out, vague
}

func (n not) eval(e *Event) (Truth, bool) {
	t, vague := n.node.eval(e)
	if vague {
		return unknown, true
	}
	return t.Not(), false
}
